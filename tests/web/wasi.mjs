// A program that keeps its results in a folder, under WASI: `MEMOKIT_PROGRAM=MODULE node --test wasi.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const RUNNER = new URL("./run_wasi.mjs", import.meta.url).pathname;

// Makes an empty folder for results, and removes it when the test has ended.
function folder(t) {
    const path = mkdtempSync(join(tmpdir(), "memokit-wasi-"));
    t.after(() => rmSync(path, { recursive: true }));
    return path;
}

// Runs the program, and returns the first line that it prints and what follows.
async function run(cache, ...args) {
    const command = ["--no-warnings", RUNNER, process.env.MEMOKIT_PROGRAM, cache, ...args];
    const ended = await promisify(execFile)("node", command, { timeout: 20_000 }).catch((error) => error);
    const [first, ...rest] = ended.stdout.trim().split("\n");
    return { first, rest, status: ended.code ?? 0 };
}

const HEALTHY = ["health Ok(())", "damage 0"];

test("results are found in the next run", async (t) => {
    const cache = folder(t);
    assert.deepEqual(await run(cache), { first: "computed 20 hits 1 entries 20", rest: HEALTHY, status: 0 });
    assert.deepEqual(await run(cache), { first: "computed 0 hits 21 entries 20", rest: HEALTHY, status: 0 });
});

test("results of a run that ends by an exit are found", async (t) => {
    const cache = folder(t);
    assert.equal((await run(cache, "exit")).status, 3);
    assert.equal((await run(cache)).first, "computed 0 hits 21 entries 20");
});

test("what was invalidated is computed again, once", async (t) => {
    const cache = folder(t);
    await run(cache);
    assert.equal((await run(cache, "invalidate")).first, "computed 1 hits 20 entries 20");
    assert.equal((await run(cache)).first, "computed 0 hits 21 entries 20");
});

test("results are found in a snapshot", async (t) => {
    const cache = folder(t);
    assert.equal((await run(cache, "compact")).rest.at(-1), "compact Ok(())");
    assert.equal((await run(cache)).first, "computed 0 hits 21 entries 20");
});

test("a damaged log is noticed, and its results are computed again", async (t) => {
    const cache = folder(t);
    await run(cache);
    const logs = readdirSync(cache, { recursive: true }).filter((name) => name.includes("wal-"));
    assert.equal(logs.length, 1);
    const log = join(cache, logs[0]);
    writeFileSync(log, Buffer.alloc(40, 255), { flag: "r+" });
    assert.ok(statSync(log).size > 40);
    const { first, status } = await run(cache);
    assert.deepEqual([first, status], ["computed 20 hits 1 entries 20", 0]);
});

test("without a folder the program computes, and says why nothing is stored", async () => {
    const { first, rest, status } = await run("none");
    assert.deepEqual([first, status], ["computed 20 hits 1 entries 20", 0]);
    assert.match(rest[0], /^health Err/);
});
