// Results in the memory of a page: `MEMOKIT_PAGE=FOLDER node --test memory.mjs`, where the folder has the bound module and
// page.html.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open, start } from "./tab.mjs";

const shared = start();

test("a result is computed once", async (t) => {
    const page = await open(t, shared);
    assert.equal(await page.run("return String(memo.square(12)) + memo.square(12)"), "144144");
    assert.equal(await page.run("return memo.computed()"), 1);
});

test("a function that calls itself is computed once for each argument", async (t) => {
    const page = await open(t, shared);
    assert.equal(await page.run("return String(memo.fib(80))"), "23416728348467685");
    assert.equal(await page.run("return memo.computed()"), 81);
});

test("promises of one key wait for one computation", async (t) => {
    const page = await open(t, shared);
    const all = "return Promise.all([1, 1, 1, 2].map((n) => memo.successor(n)))";
    assert.deepEqual(await page.run(all), [2, 2, 2, 3]);
    assert.equal(await page.run("return memo.computed()"), 2);
});

test("entries expire by the clock of the page, and are removed without a thread", async (t) => {
    const page = await open(t, shared);
    await page.run("memo.shout('a'); memo.shout('a'); memo.shout('b')");
    assert.equal(await page.run("return memo.computed()"), 2);
    await page.run("return new Promise((resolve) => setTimeout(resolve, 250))");
    await page.run("memo.shout('a')");
    assert.equal(await page.run("return memo.computed()"), 3);
    await page.run("return new Promise((resolve) => setTimeout(resolve, 1300))");
    await page.run("memo.square(1)");
    assert.equal(await page.run("return memo.shout_entries()"), 0);
});

test("the report has the functions of the page", async (t) => {
    const page = await open(t, shared);
    await page.run("memo.square(3); memo.square(3)");
    assert.match(await page.run("return memo.report()"), /squared/);
});

test("a task that waits for one that hangs computes after the wait limit", async (t) => {
    const page = await open(t, shared);
    const waited = await page.run(`
        memo.hang(1);
        const began = performance.now();
        const number = await memo.hang(1);
        return [number, performance.now() - began];`);
    assert.equal(waited[0], 1);
    assert.ok(waited[1] >= 290 && waited[1] < 3000, String(waited[1]));
    assert.equal(await page.run("return memo.computed()"), 2);
});

test("a promise that takes a while is awaited once", async (t) => {
    const page = await open(t, shared);
    const all = "return Promise.all([1, 1, 2].map((n) => memo.sleep_for(n)))";
    assert.deepEqual(await page.run(all), [1, 1, 2]);
    assert.equal(await page.run("return memo.computed()"), 2);
});

test("a waiter begins anew when the call that computes is dropped", async (t) => {
    const page = await open(t, shared);
    assert.equal(await page.run("return memo.sleep_for_another(3)"), 3);
    assert.deepEqual(await page.run("return [memo.computed(), await memo.sleep_for(3), memo.computed()]"), [2, 3, 2]);
});

test("an older value is served while the first caller computes a new one", async (t) => {
    const page = await open(t, shared);
    assert.equal(await page.run("return memo.age(10)"), 11);
    await page.run("return new Promise((resolve) => setTimeout(resolve, 300))");
    // There is no thread behind the caller, so it computes itself.
    assert.equal(await page.run("return memo.age(10)"), 12);
    assert.equal(await page.run("return memo.age(10)"), 12);
});

test("a listener hears of what was evicted", async (t) => {
    const page = await open(t, shared);
    await page.run("[1, 2, 3].forEach((n) => memo.hear_of(n))");
    assert.equal(await page.run("return memo.what_was_heard()"), "(1,) 1 Size");
});

test("each object has its own results", async (t) => {
    const page = await open(t, shared);
    const prices = "const [a, b] = [new memo.Shop(2), new memo.Shop(3)]; return [a, b, a, b].map((s) => s.price(7))";
    assert.deepEqual(await page.run(prices), [14, 21, 14, 21]);
    assert.equal(await page.run("return memo.computed()"), 2);
});

test("each type of a generic function has its own results", async (t) => {
    const page = await open(t, shared);
    assert.equal(await page.run("return memo.show_both() + memo.show_both()"), "1 11 1");
    assert.equal(await page.run("return memo.computed()"), 2);
});

test("a function with `persist` works from memory without the feature `web`, and says so", async (t) => {
    const page = await open(t, shared);
    assert.deepEqual(await page.run("return [memo.double(4), memo.double(4), memo.computed()]"), [8, 8, 1]);
    assert.match(await page.run("return memo.double_health()"), /a page has none; with the feature `web` of memokit/);
});
