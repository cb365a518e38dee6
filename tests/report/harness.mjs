/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests in a browser share: finding one, making reports, telling what failed. */
import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Browser } from "./chromium.mjs";

function findBrowser() {
    for (const name of ["chromium-headless-shell", "chromium", "google-chrome"])
        for (const folder of (process.env.PATH ?? "").split(delimiter)) {
            try {
                accessSync(join(folder, name), constants.X_OK);
                return join(folder, name);
            } catch {
                /* not there */
            }
        }
    return null;
}

export function equal(actual, expected, what) {
    const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`);
}

export function ok(value, what) {
    if (!value) throw new Error(what);
}

export function contains(text, part, what = "") {
    if (!String(text).includes(part)) throw new Error(`${what}: "${text}" does not contain "${part}"`);
}

/** Runs tests: a list of [name, async fn({browser, report})]. report(kind, ...more) makes one. */
export async function run(tests) {
    const [ttb, traces] = process.argv.slice(2), program = findBrowser();
    if (!program) {
        console.log("skipped: there is no Chromium (tools/setup.sh --for test installs one)");
        process.exit(77);
    }
    const directory = mkdtempSync(join(tmpdir(), "ttb-report-"));
    const made = new Map();
    const report = (kind, ...more) => {
        if (!made.has(kind)) {
            execFileSync(traces, [kind, join(directory, kind), ...more], { stdio: "inherit" });
            const result = spawnSync(ttb, ["export", join(directory, kind), "-f", "html", "-o", join(directory, `${kind}.html`)], { encoding: "utf8" });
            equal(result.status, kind === "truncated" ? 1 : 0, `ttb export: ${result.stderr}`);
            made.set(kind, join(directory, `${kind}.html`));
        }
        return made.get(kind);
    };
    let failed = 0, browser = null;
    try {
        browser = new Browser(program);
        for (const [name, fn] of tests) {
            const pages = [];
            const open = async (file, options) => {
                const page = await browser.open(file, options);
                pages.push(page);
                return page;
            };
            try {
                await fn({ open, report });
                for (const page of pages) {
                    equal(page.errors, [], "errors in the browser's console");
                    equal(page.requests.filter((url) => !url.startsWith("file:")), [], "requests");
                    equal(page.requests.length, 1, "requests for files");
                }
                console.log(`ok      ${name}`);
            } catch (error) {
                failed++;
                console.log(`FAILED  ${name}\n        ${error.message}`);
                for (const page of pages) if (page.errors.length) console.log(`        the page said: ${page.errors.join("; ")}`);
            }
            for (const page of pages) await page.close().catch(() => {});
        }
    } finally {
        await browser?.close();
        rmSync(directory, { recursive: true, force: true });
    }
    process.exitCode = failed ? 1 : 0;
}
