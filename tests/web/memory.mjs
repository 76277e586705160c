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
