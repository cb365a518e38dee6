/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes the report's page out of its sources: node build.mjs PACKAGES OUTPUT
 * PACKAGES is a folder in which "npm ci" has run. The page holds scripts and styles themselves, and a
 * policy that forbids the browser to run, style or fetch anything else. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [packages, output] = process.argv.slice(2).map((path) => resolve(path));
const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(packages, "package.json"));
const esbuild = await import(pathToFileURL(require.resolve("esbuild")));

const common = {
    bundle: true,
    write: false,
    minify: true,
    charset: "utf8",
    legalComments: "inline",
    nodePaths: [join(packages, "node_modules")],
    absWorkingDir: here,
    logLevel: "warning",
};
const script = await esbuild.build({
    ...common,
    entryPoints: ["src/main.js"],
    format: "iife",
    target: ["chrome111", "firefox121", "safari16.4"],
    loader: { ".txt": "text" },
});
const style = await esbuild.build({
    ...common,
    entryPoints: ["style.css"],
    target: ["chrome111", "firefox121", "safari16.4"],
});

/* Inside <script> nothing else ends it. */
const js = script.outputFiles[0].text.trim().replaceAll("</script", "<\\/script");
const css = style.outputFiles[0].text.trim();
const hash = (text) => "'sha256-" + createHash("sha256").update(text).digest("base64") + "'";
const policy =
    `default-src 'none'; script-src ${hash(js)}; style-src ${hash(css)}; img-src data:; ` +
    "base-uri 'none'; form-action 'none'";
const escaped = (text) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const parts = {
    policy,
    style: `<style>${css}</style>`,
    script: `<script>${js}</script>`,
    uplot_licence: escaped(readFileSync(join(packages, "node_modules/uplot/LICENSE"), "utf8")),
};
const page = readFileSync(join(here, "index.html"), "utf8").replace(/\{\{(\w+)\}\}/g, (all, name) => {
    if (!(name in parts)) throw new Error(`index.html: there is no ${all}`);
    return parts[name];
});
if (page.split("<!--data-->").length !== 2) throw new Error("index.html: one <!--data-->, please");
writeFileSync(output, page);
