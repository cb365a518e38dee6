/* SPDX-License-Identifier: BSD-3-Clause */
/* Drives a headless Chromium by the DevTools protocol, through a pipe: no port, no packages. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/* Generous: the machine may be busy. */
const TIMEOUT_MS = 90000;

export class Browser {
    constructor(program) {
        this.directory = mkdtempSync(join(tmpdir(), "ttb-report-"));
        const options = [
            "--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-component-update", "--no-default-browser-check",
            `--user-data-dir=${this.directory}/profile`, "--hide-scrollbars", "--force-device-scale-factor=1",
        ];
        /* Chromium's sandbox refuses root; what is opened is our own file. */
        if (process.getuid() === 0) options.push("--no-sandbox");
        this.process = spawn(program, [...options, "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
        this.sequence = 0;
        this.waiting = new Map();
        this.listeners = [];
        let rest = "";
        this.process.stdio[4].setEncoding("utf8");
        this.process.stdio[4].on("data", (text) => {
            const messages = (rest + text).split("\0");
            rest = messages.pop();
            for (const message of messages) this.#take(JSON.parse(message));
        });
        this.process.on("exit", (code) => {
            this.isGone = true;
            for (const { reject } of this.waiting.values()) reject(new Error(`the browser ended with ${code}`));
            this.waiting.clear();
        });
        this.process.on("error", (error) => {
            for (const { reject } of this.waiting.values()) reject(error);
        });
    }

    #take(message) {
        if (message.id === undefined) {
            for (const listener of this.listeners) listener(message);
            return;
        }
        const { resolve, reject, method } = this.waiting.get(message.id) ?? {};
        this.waiting.delete(message.id);
        if (message.error) reject?.(new Error(`${method}: ${message.error.message}`));
        else resolve?.(message.result);
    }

    send(method, params = {}, sessionId = undefined) {
        if (this.isGone) return Promise.reject(new Error("the browser is gone"));
        const id = ++this.sequence;
        this.process.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), TIMEOUT_MS);
            timer.unref();
            this.waiting.set(id, {
                method, reject: (error) => (clearTimeout(timer), reject(error)), resolve: (result) => (clearTimeout(timer), resolve(result)),
            });
        });
    }

    /** A page of a size, its colours "light" or "dark". */
    async open(file, { width = 1440, height = 900, scheme = "light" } = {}) {
        const { targetId } = await this.send("Target.createTarget", { url: "about:blank", width, height });
        const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
        const page = new Page(this, sessionId, targetId);
        await page.send("Runtime.enable");
        await page.send("Log.enable");
        await page.send("Page.enable");
        await page.send("Network.enable");
        await page.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
        await page.scheme(scheme);
        page.started = performance.now();
        await page.send("Page.navigate", { url: pathToFileURL(file).href });
        await page.until("document.documentElement?.dataset.ready !== undefined", "the page is ready");
        page.readyAfterMs = performance.now() - page.started;
        return page;
    }

    async close() {
        const gone = new Promise((resolve) => (this.isGone ? resolve() : this.process.once("exit", resolve)));
        await this.send("Browser.close").catch(() => {});
        const timer = setTimeout(() => this.process.kill("SIGKILL"), 10000);
        await gone;
        clearTimeout(timer);
        rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
    }
}

export class Page {
    constructor(browser, session, target) {
        this.browser = browser;
        this.target = target;
        this.session = session;
        this.errors = []; /* what the console said that it should not */
        this.requests = []; /* addresses that the page asked for */
        browser.listeners.push((message) => {
            if (message.sessionId !== session) return;
            const { method, params } = message;
            if (method === "Runtime.exceptionThrown") this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
            if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type))
                this.errors.push(params.args.map((arg) => arg.value ?? arg.description).join(" "));
            if (method === "Log.entryAdded" && params.entry.level !== "verbose" && params.entry.level !== "info") this.errors.push(`${params.entry.text} ${params.entry.url ?? ""}`);
            if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
        });
    }

    send(method, params) {
        return this.browser.send(method, params, this.session);
    }

    close() {
        return this.browser.send("Target.closeTarget", { targetId: this.target });
    }

    scheme(value) {
        return this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
    }

    /** The value of an expression. */
    async evaluate(expression) {
        const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
        if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
        return result.value;
    }

    text(selector) {
        return this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? null`);
    }

    /** Wait until an expression is true. */
    async until(expression, what = expression) {
        const end = performance.now() + TIMEOUT_MS;
        while (!(await this.evaluate(`Boolean(${expression})`))) {
            if (performance.now() > end) throw new Error(`still not: ${what}`);
            await new Promise((resolve) => setTimeout(resolve, 40));
        }
    }

    /** Two frames have been painted. */
    settle() {
        return this.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())))");
    }

    async box(selector) {
        const box = await this.evaluate(`(() => { const e = document.querySelector(${JSON.stringify(selector)}); if (!e) return null;
            const { x, y, width, height } = e.getBoundingClientRect(); return { x, y, width, height }; })()`);
        if (!box) throw new Error(`there is no ${selector}`);
        return box;
    }

    async mouse(type, x, y, more = {}) {
        await this.send("Input.dispatchMouseEvent", { type, x, y, button: "none", ...more });
    }

    /** In its middle, or dx and dy from its corner. */
    async click(selector, { dx = null, dy = null, modifiers = 0 } = {}) {
        await this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.scrollIntoView({ block: "nearest" })`);
        const box = await this.box(selector), x = box.x + (dx ?? box.width / 2), y = box.y + (dy ?? box.height / 2);
        await this.mouse("mouseMoved", x, y);
        await this.mouse("mousePressed", x, y, { button: "left", buttons: 1, clickCount: 1, modifiers });
        await this.mouse("mouseReleased", x, y, { button: "left", clickCount: 1, modifiers });
        await this.settle();
    }

    async drag(selector, from, to, modifiers = 0) {
        const box = await this.box(selector);
        const at = ([x, y]) => [box.x + x, box.y + y];
        await this.mouse("mouseMoved", ...at(from));
        await this.mouse("mousePressed", ...at(from), { button: "left", buttons: 1, clickCount: 1, modifiers });
        for (let i = 1; i <= 5; i++)
            await this.mouse("mouseMoved", ...at([from[0] + ((to[0] - from[0]) * i) / 5, from[1] + ((to[1] - from[1]) * i) / 5]), { button: "left", buttons: 1, modifiers });
        await this.mouse("mouseReleased", ...at(to), { button: "left", clickCount: 1, modifiers });
        await this.settle();
    }

    async wheel(selector, x, y, deltaY) {
        const box = await this.box(selector);
        await this.mouse("mouseWheel", box.x + x, box.y + y, { deltaX: 0, deltaY });
        await this.settle();
    }

    async key(key, modifiers = 0) {
        const text = key.length === 1 ? key : key === "Enter" ? "\r" : undefined;
        const codes = {
            Enter: 13, Escape: 27, Tab: 9, " ": 32, ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40, Home: 36, End: 35, PageUp: 33, PageDown: 34,
        };
        const code = codes[key] ?? key.toUpperCase().charCodeAt(0);
        await this.send("Input.dispatchKeyEvent", { type: text ? "keyDown" : "rawKeyDown", key, text, modifiers, windowsVirtualKeyCode: code });
        await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, modifiers, windowsVirtualKeyCode: code });
        await this.settle();
    }

    async type(text) {
        await this.send("Input.insertText", { text });
        await this.settle();
    }

    async screenshot(file) {
        const { data } = await this.send("Page.captureScreenshot", { format: "png" });
        writeFileSync(file, Buffer.from(data, "base64"));
    }
}
