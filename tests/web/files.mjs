// Results that workers keep in the files of the origin: `MEMOKIT_PAGE=FOLDER node --test files.mjs`, where the folder has
// the bound module, page.html and worker.js.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Browser } from "./browser.mjs";
import { open, start } from "./tab.mjs";

const shared = start();
const HEALTHY = "Ok(())";

const CLEAR = `
    const root = await navigator.storage.getDirectory();
    for (let n = 0; n < 100; n++) {
        try { return await root.removeEntry("memokit", { recursive: true }); }
        catch (error) { if (error.name === "NotFoundError") return; }
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("the files are still open");`;

// Opens a page whose origin has no files.
async function fresh(t) {
    const page = await open(t, shared);
    await page.run(CLEAR);
    return page;
}

// Starts a worker under a name in the page, which opens the files. Returns what that returned, and what runs in it.
async function work(page, name = "worker") {
    const opened = await page.run(`
        window.${name} = await startWorker();
        return window.${name}.run("return memo.open_files()");`);
    const run = (body) => page.run(`return window.${name}.run(${JSON.stringify(body)})`);
    const end = () => page.run(`window.${name}.end()`);
    return { opened, run, end };
}

const SUM = "Array.from({ length: 30 }, (_, n) => memo.fill(n, 1000)).reduce((a, b) => a + b)";

test("results are found by the next worker, and after a snapshot", async (t) => {
    const page = await fresh(t);
    let worker = await work(page);
    assert.equal(worker.opened, "");
    const sum = await worker.run(`return ${SUM}`);
    assert.deepEqual(await worker.run("return [memo.computed(), memo.fill_health()]"), [30, HEALTHY]);
    await worker.end();
    worker = await work(page);
    assert.deepEqual(await worker.run(`return [${SUM}, memo.computed()]`), [sum, 0]);
    assert.equal(await worker.run("return memo.fill_snapshot()"), HEALTHY);
    await worker.run("memo.fill_invalidate(3, 1000)");
    await worker.end();
    worker = await work(page);
    assert.deepEqual(await worker.run(`return [${SUM}, memo.computed()]`), [sum, 1]);
    assert.deepEqual(await worker.run("return [memo.fill_health(), memo.fill_damage()]"), [HEALTHY, 0]);
    // Nothing went to the storage of the page.
    assert.deepEqual(await page.run("return Object.keys(localStorage)"), []);
});

// Computes results without end, and tells of each when its call has returned.
const ENDLESS = `
    for (let n = 0; ; n++) {
        memo.fill(n, n % 7 === 0 ? 300_000 : 3000);
        if (n % 50 === 49) memo.fill_snapshot();
        tell(n);
        await new Promise((resolve) => setTimeout(resolve));
    }`;

// Checks that what the calls up to `last` have returned is found.
async function check(page, last) {
    const worker = await work(page);
    assert.equal(worker.opened, "");
    const body = `for (let n = 0; n <= ${last}; n++) memo.fill(n, n % 7 === 0 ? 300_000 : 3000); return memo.computed()`;
    assert.equal(await worker.run(body), 0);
    assert.deepEqual(await worker.run("return [memo.fill_health(), memo.fill_damage()]"), [HEALTHY, 0]);
    await worker.end();
}

test("what a call has returned survives the end of its worker at any time", async (t) => {
    const page = await fresh(t);
    for (const wanted of [5, 60, 120, 180]) {
        const worker = await work(page);
        assert.equal(worker.opened, "");
        await page.run(`window.worker.run(${JSON.stringify(ENDLESS)}); await 0`);
        await page.until(`return window.worker.told.length > ${wanted}`);
        await worker.end();
        await check(page, await page.run("return window.worker.told.at(-1)"));
    }
});

test("what a call has returned survives a browser that is killed", async (t) => {
    const page = await fresh(t);
    const worker = await work(page);
    assert.equal(worker.opened, "");
    await page.run(`window.worker.run(${JSON.stringify(ENDLESS)}); await 0`);
    await page.until("return window.worker.told.length > 70");
    const last = await page.run("return window.worker.told.at(-1)");
    await shared.browser.kill();
    shared.browser = await Browser.start(shared.profile);
    await check(await open(t, shared), last);
});

test("another worker works from memory until the files are free, and says why", async (t) => {
    const page = await fresh(t);
    const one = await work(page, "one");
    await one.run("memo.fill(1, 100)");
    const other = await work(page, "other");
    assert.match(other.opened, /the files of the origin.* (in use|locked)/);
    assert.deepEqual(await other.run("memo.fill(1, 100); memo.fill(1, 100); return memo.computed()"), 1);
    assert.match(await other.run("return memo.fill_health()"), /the files of the origin/);
    await one.end();
    await other.end();
    const third = await work(page, "third");
    assert.deepEqual(await third.run("memo.fill(1, 100); return memo.computed()"), 0);
});

test("a worker that has opened no files says so", async (t) => {
    const page = await fresh(t);
    await page.run("window.worker = await startWorker()");
    const health = await page.run("return window.worker.run('memo.fill(1, 10); return memo.fill_health()')");
    assert.match(health, /memokit::web::open_files opens before the first call/);
});

test("a page cannot open the files, and keeps its results in localStorage", async (t) => {
    const page = await fresh(t);
    await page.run("localStorage.clear()");
    assert.match(await page.run("return memo.open_files()"), /cannot open the files of the origin/);
    await page.run("memo.fill(1, 10)");
    assert.equal(await page.run("return memo.fill_health()"), HEALTHY);
    assert.ok((await page.run("return Object.keys(localStorage).length")) > 0);
    await page.run("localStorage.clear()");
});

test("a private window has its own files", async (t) => {
    const { browserContextId } = await shared.browser.send("Target.createBrowserContext");
    const page = await shared.browser.open(shared.url, browserContextId);
    let worker = await work(page);
    assert.equal(worker.opened, "");
    await worker.run(`return ${SUM}`);
    await worker.end();
    worker = await work(page);
    assert.deepEqual(await worker.run(`${SUM}; return memo.computed()`), 0);
    await shared.browser.send("Target.disposeBrowserContext", { browserContextId });
});

test("more files are opened as they are needed", async (t) => {
    const page = await fresh(t);
    let worker = await work(page);
    // Each of these takes a file.
    const large = "memo.fill(n, 300_000); await new Promise((resolve) => setTimeout(resolve, 10));";
    await worker.run(`for (let n = 0; n < 60; n++) { ${large} }`);
    assert.equal(await worker.run("return memo.fill_health()"), HEALTHY);
    await worker.end();
    worker = await work(page);
    assert.equal(await worker.run(`for (let n = 0; n < 60; n++) { ${large} } return memo.computed()`), 0);
});

test("how long a result takes", async (t) => {
    const page = await fresh(t);
    const worker = await work(page);
    const times = await worker.run(`
        const time = (count, act) => {
            const began = performance.now();
            for (let n = 0; n < count; n++) act(n);
            return Math.round((1000 * (performance.now() - began)) / count);
        };
        memo.fill(0, 1);
        return { "µs a miss": time(2000, (n) => memo.fill(n, 100)), "µs a hit": time(2000, (n) => memo.fill(n, 100)) };`);
    await worker.end();
    const next = await work(page);
    times["µs from a file"] = await next.run(`
        memo.fill(0, 1);
        const began = performance.now();
        for (let n = 0; n < 2000; n++) memo.fill(n, 100);
        return Math.round((performance.now() - began) / 2);`);
    assert.equal(await next.run("return memo.computed()"), 0);
    t.diagnostic(JSON.stringify(times));
});
