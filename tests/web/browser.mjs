// A headless Chromium, driven by the DevTools protocol over two pipes.

import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

const FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe",
    // A hidden tab has its timers once a second.
    "--disable-background-timer-throttling",
    // A name that is not secure without a certificate.
    "--host-resolver-rules=MAP memokit.test 127.0.0.1", "--window-size=1200,760",
];
// How long a command of the protocol, or a script in a page, may take.
const LIMIT = 20_000;

export class Browser {
    #process;
    #next = 1;
    #waiting = new Map();
    #listeners = new Set();
    #ended;
    #failure;

    // `profile`: the folder of the profile, which is kept.
    static async start(profile) {
        const browser = new Browser();
        mkdirSync(profile, { recursive: true });
        browser.#process = spawn(
            process.env.MEMOKIT_CHROMIUM ?? "chromium",
            [...FLAGS, `--user-data-dir=${profile}`, "about:blank"],
            { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], detached: true },
        );
        browser.#ended = new Promise((resolve) => browser.#process.once("exit", resolve));
        browser.#process.once("error", (error) => browser.#fail(error));
        browser.#process.once("exit", () => browser.#fail(new Error("the browser has ended")));
        browser.#read();
        await browser.send("Browser.getVersion");
        return browser;
    }

    #fail(error) {
        this.#failure ??= error;
        for (const { reject } of this.#waiting.values()) reject(error);
        this.#waiting.clear();
    }

    // Messages end with a zero.
    #read() {
        let rest = Buffer.alloc(0);
        this.#process.stdio[4].on("data", (data) => {
            rest = Buffer.concat([rest, data]);
            for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
                this.#receive(JSON.parse(rest.subarray(0, end).toString()));
                rest = rest.subarray(end + 1);
            }
        });
    }

    #receive(message) {
        const waiting = this.#waiting.get(message.id);
        if (!waiting) {
            for (const listener of this.#listeners) listener(message);
            return;
        }
        this.#waiting.delete(message.id);
        if (message.error) waiting.reject(new Error(`${waiting.method}: ${message.error.message}`));
        else waiting.resolve(message.result);
    }

    send(method, params = {}, sessionId = undefined) {
        if (this.#failure) return Promise.reject(this.#failure);
        const id = this.#next++;
        return new Promise((resolve, reject) => {
            const late = setTimeout(() => {
                this.#waiting.delete(id);
                reject(new Error(`${method} took longer than ${LIMIT} ms`));
            }, LIMIT);
            const ends = (end) => (value) => {
                clearTimeout(late);
                end(value);
            };
            this.#waiting.set(id, { method, resolve: ends(resolve), reject: ends(reject) });
            this.#process.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
        });
    }

    // Resolves when the session has sent an event of that name.
    event(method, sessionId) {
        return new Promise((resolve) => {
            const listener = (message) => {
                if (message.method !== method || message.sessionId !== sessionId) return;
                this.#listeners.delete(listener);
                resolve(message.params);
            };
            this.#listeners.add(listener);
        });
    }

    // Opens a page. `browserContextId`: of a private window.
    async open(url, browserContextId = undefined) {
        const { targetId } = await this.send("Target.createTarget", { url: "about:blank", browserContextId });
        const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
        const page = new Page(this, sessionId, targetId);
        await page.send("Page.enable");
        await page.go(url);
        return page;
    }

    // Ends it as a crash does.
    async kill() {
        process.kill(-this.#process.pid, "SIGKILL");
        await this.#ended;
    }

    // Closes it as a person does, so that what pages have stored is on disk, or ends it.
    async close() {
        await this.send("Browser.close").catch(() => {});
        const late = setTimeout(() => process.kill(-this.#process.pid, "SIGKILL"), 5_000);
        await this.#ended;
        clearTimeout(late);
    }
}

class Page {
    constructor(browser, sessionId, targetId) {
        Object.assign(this, { browser, sessionId, targetId });
    }

    send(method, params) {
        return this.browser.send(method, params, this.sessionId);
    }

    async go(url) {
        const loaded = this.browser.event("Page.loadEventFired", this.sessionId);
        await this.send("Page.navigate", { url });
        await loaded;
    }

    // Goes back to the page before, which may come from the browser's cache of former pages as it was left.
    async back() {
        const { currentIndex, entries } = await this.send("Page.getNavigationHistory");
        await this.send("Page.navigateToHistoryEntry", { entryId: entries[currentIndex - 1].id });
    }

    async reload() {
        const loaded = this.browser.event("Page.loadEventFired", this.sessionId);
        await this.send("Page.reload");
        await loaded;
    }

    // Runs the body of an async function in the page, and returns what it returns. The module is `memo` there.
    async run(body) {
        const expression = `(async () => { const memo = await window.memo; ${body} })()`;
        const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
            expression,
            awaitPromise: true,
            returnByValue: true,
        });
        if (exceptionDetails) {
            throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        }
        return result.value;
    }

    // Runs it until it returns something true.
    async until(body) {
        const end = Date.now() + LIMIT;
        while (!(await this.run(body))) {
            if (Date.now() > end) throw new Error(`never true: ${body}`);
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    }

    async screenshot(path) {
        const { data } = await this.send("Page.captureScreenshot", { format: "png" });
        writeFileSync(path, Buffer.from(data, "base64"));
    }

    async close() {
        await this.browser.send("Target.closeTarget", { targetId: this.targetId });
    }
}
