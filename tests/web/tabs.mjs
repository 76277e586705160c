// Tabs that compute the results of async functions: `MEMOKIT_PAGE=FOLDER node --test tabs.mjs`, where the folder has the
// bound module and page.html.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open, start } from "./tab.mjs";

const shared = start();

// Opens two tabs, whose storage is empty.
async function two(t, url = shared.url) {
    const one = await open(t, shared, url);
    await one.run("localStorage.clear()");
    await one.reload();
    return [one, await open(t, shared, url)];
}

const computed = (page) => page.run("return memo.computed()");
// Begins a call, and does not wait for it.
const begin = (page, call) => page.run(`window.begun = memo.${call}; await 0`);
// Does so, and waits until the browser has granted the lock. Otherwise the other tab may get it.
const lead = async (page, call) => {
    await begin(page, call);
    await page.until("return (await navigator.locks.query()).held.length === 1");
};
const locks = (page) =>
    page.run("const { held, pending } = await navigator.locks.query(); return [held.length, pending.length]");

// Calls it, and returns what it returned and after how many milliseconds.
const timed = (page, call) =>
    page.run(`
        const began = performance.now();
        return [await memo.${call}, performance.now() - began];`);

test("two tabs compute a result once", async (t) => {
    const [one, other] = await two(t);
    for (const text of ["a", "b", "c", "d", "e"]) {
        await lead(one, `delay("${text}", 400)`);
        assert.equal((await timed(other, `delay("${text}", 400)`))[0], text.toUpperCase());
        assert.equal(await one.run("return window.begun"), text.toUpperCase());
    }
    assert.deepEqual([await computed(one), await computed(other)], [5, 0]);
    assert.deepEqual(await locks(one), [0, 0]);
});

test("many results are computed once among two tabs that begin at once", async (t) => {
    const [one, other] = await two(t);
    const all = "Promise.all(Array.from({ length: 100 }, (_, n) => memo.delay('n' + n, 100)))";
    const [ones, others] = await Promise.all([one.run(`return ${all}`), other.run(`return ${all}`)]);
    assert.deepEqual(ones, others);
    const counts = [await computed(one), await computed(other)];
    t.diagnostic(`computed ${counts}`);
    // A tab asks for 64 locks at once, and computes the other 36 without.
    assert.ok(counts[0] + counts[1] <= 140, String(counts));
});

for (const [how, end] of [
    ["closed", (page) => page.close()],
    ["gone to another page", (page) => page.send("Page.navigate", { url: "about:blank" })],
    ["crashed", (page) => void page.send("Page.crash").catch(() => {})],
]) {
    test(`a tab that waits computes at once when the other is ${how}`, async (t) => {
        const [one, other] = await two(t);
        await lead(one, "delay('x', 60000)");
        await begin(other, "delay('x', 10)");
        await other.until("return (await navigator.locks.query()).pending.length === 1");
        const began = Date.now();
        await end(one);
        assert.equal(await other.run("return window.begun"), "X");
        const waited = Date.now() - began;
        t.diagnostic(`waited ${waited} ms`);
        // Without that it would wait for 10 s.
        assert.ok(waited < 5000, String(waited));
        assert.equal(await computed(other), 1);
        assert.deepEqual(await locks(other), [0, 0]);
    });
}

test("a computation goes on when its page comes back from the cache of former pages", async (t) => {
    const [one, other] = await two(t);
    await one.run("window.left = true");
    await lead(one, "delay('x', 1000)");
    await one.go(`${shared.url}?next`);
    assert.equal((await timed(other, "delay('x', 10)"))[0], "X");
    await one.back();
    await one.until("return location.search === '' && document.readyState === 'complete'");
    assert.deepEqual(await one.run("return [window.left, await window.begun, memo.computed()]"), [true, "X", 1]);
    assert.deepEqual(await locks(other), [0, 0]);
});

test("a tab computes itself after the wait limit", async (t) => {
    const [one, other] = await two(t);
    await lead(one, "delay_impatiently('x', 3000)");
    const [text, waited] = await timed(other, "delay_impatiently('x', 10)");
    assert.equal(text, "X");
    assert.ok(waited >= 290 && waited < 2500, String(waited));
    assert.deepEqual(await locks(other), [1, 0]);
    assert.equal(await one.run("return window.begun"), "X");
    assert.deepEqual(await locks(other), [0, 0]);
});

test("what fails in one tab is computed in the other", async (t) => {
    const [one, other] = await two(t);
    await begin(one, "refuse('four')");
    assert.equal((await timed(other, "refuse('four')"))[0], 4);
    assert.equal(await one.run("return window.begun"), 4);
    assert.deepEqual([await computed(one), await computed(other)], [1, 1]);
    assert.deepEqual(await locks(one), [0, 0]);
});

test("a function that calls itself ends in both tabs", async (t) => {
    const [one, other] = await two(t);
    await begin(one, "add_up(8)");
    // This one begins in the middle, and the first waits for it.
    assert.equal((await timed(other, "add_up(4)"))[0], 10);
    assert.equal(await one.run("return window.begun"), 36);
    assert.equal((await timed(other, "add_up(8)"))[0], 36);
    const all = (await computed(one)) + (await computed(other));
    // What a tab has stored may reach the other later than the lock: then that computes it too.
    assert.ok(all >= 9 && all <= 12, String(all));
    assert.deepEqual(await locks(one), [0, 0]);
});

test("a result that is invalidated while another tab waits for it is computed anew", async (t) => {
    const [one, other] = await two(t);
    await lead(one, "delay('x', 500)");
    await begin(other, "delay('x', 10)");
    await other.until("return (await navigator.locks.query()).pending.length === 1");
    await one.run("memo.delay_invalidate('x')");
    assert.equal(await other.run("return window.begun"), "X");
    assert.equal(await one.run("return window.begun"), "X");
    assert.equal(await computed(other), 1);
});

test("a page without locks computes as before", async (t) => {
    // Plain HTTP from elsewhere than this machine is not secure.
    const [one, other] = await two(t, shared.url.replace("127.0.0.1", "memokit.test"));
    assert.equal(await one.run("return typeof navigator.locks"), "undefined");
    await begin(one, "delay('x', 300)");
    assert.equal((await timed(other, "delay('x', 10)"))[0], "X");
    assert.deepEqual([await one.run("return window.begun"), await computed(one), await computed(other)], ["X", 1, 1]);
});

test("a lock that is free costs little", async (t) => {
    const one = await open(t, shared);
    await one.run("localStorage.clear()");
    await one.reload();
    const [, with_lock] = await timed(one, "delay('x', 0)");
    const times = await one.run(`
        const times = [];
        for (let n = 0; n < 100; n++) {
            const began = performance.now();
            await memo.delay("y" + n, 1);
            const middle = performance.now();
            await new Promise((resolve) => setTimeout(resolve, 1));
            times.push(middle - began - (performance.now() - middle));
        }
        return times.sort((a, b) => a - b);`);
    t.diagnostic(`first ${with_lock} ms; then median ${times[50]} ms, 90th percentile ${times[90]} ms`);
    assert.ok(times[50] < 50, String(times[50]));
});
