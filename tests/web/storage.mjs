// Results in the localStorage of a page: `MEMOKIT_PAGE=FOLDER node --test storage.mjs`, where the folder has the bound
// module, page.html and worker.js.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Browser } from "./browser.mjs";
import { open, start } from "./tab.mjs";

const shared = start();
const HEALTHY = "Ok(())";

// Opens a page whose storage is empty. It is loaded again, because an opened function would notice the clearing.
async function fresh(t) {
    const page = await open(t, shared);
    await page.run("localStorage.clear()");
    await page.reload();
    return page;
}

const quote = (page, symbol) => page.run(`return Number(memo.quote(${JSON.stringify(symbol)}))`);
const computed = (page) => page.run("return memo.computed()");

test("results are found after a reload", async (t) => {
    const page = await fresh(t);
    assert.equal(await quote(page, "ab"), 195);
    assert.deepEqual(await page.run("return memo.upper('x')"), "X");
    await page.reload();
    assert.equal(await quote(page, "ab"), 195);
    assert.deepEqual(await page.run("return memo.upper('x')"), "X");
    assert.equal(await computed(page), 0);
    assert.match(await page.run("return memo.quote_stats()"), /hits 1 misses 0 from storage 1 stored 1 errors 0/);
    assert.equal(await page.run("return memo.quote_health()"), HEALTHY);
});

test("results are there when the call returns, and after the browser was closed", async (t) => {
    const page = await fresh(t);
    const names = "memo.quote('ab'); return Object.keys(localStorage).filter((n) => !n.endsWith('!'))";
    const [name, ...more] = await page.run(names);
    assert.match(name, /^memokit\/test\/page\.stored\.quoted-[0-9a-f]{8}\/[0-9a-f]{16}\/[\w-]+$/);
    assert.deepEqual(more, []);
    await shared.browser.close();
    shared.browser = await Browser.start(shared.profile);
    const again = await open(t, shared);
    assert.deepEqual([await quote(again, "ab"), await computed(again)], [195, 0]);
});

test("one tab finds what another has computed", async (t) => {
    const [one, two] = [await fresh(t), await open(t, shared)];
    await two.run("memo.quote('warm')");
    await one.run("memo.quote('ab')");
    // The storage of another process of the browser is a moment behind.
    await two.until("return Object.keys(localStorage).filter((n) => n.includes('quoted')).length >= 3");
    assert.deepEqual([await quote(two, "ab"), await computed(two)], [195, 1]);
});

test("what one tab invalidates or replaces, the other does not return", async (t) => {
    const [one, two] = [await fresh(t), await open(t, shared)];
    const ends = ["quote_invalidate('ab')", "quote_invalidate_tag('ab')", "quote_clear()"];
    for (const end of ends) {
        await two.run("memo.quote('ab')");
        const before = await computed(two);
        await one.run("memo.quote('ab')");
        await one.run(`memo.${end}`);
        // A hit does not ask: the event has to come.
        await two.until(`memo.quote('ab'); return memo.computed() > ${before}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await two.run("memo.quote('ab')");
    await one.run("memo.quote_insert('ab', 7n)");
    await two.until("return Number(memo.quote('ab')) === 7");
    assert.equal(await page_health(two), HEALTHY);
});

const page_health = (page) => page.run("return memo.quote_health()");

test("a page that comes back from the cache of former pages does not return what was removed meanwhile", async (t) => {
    const [one, two] = [await fresh(t), await open(t, shared)];
    await one.run("memo.quote('ab'); memo.quote('cd'); window.left = true");
    await one.go(`${shared.url}?next`);
    await two.run("memo.quote_insert('ab', 7n); memo.quote_invalidate('cd'); memo.quote_invalidate('none')");
    await one.back();
    await one.until("return location.search === '' && document.readyState === 'complete'");
    // Otherwise it was loaded anew.
    assert.equal(await one.run("return window.left"), true);
    assert.deepEqual([await quote(one, "ab"), await quote(one, "cd"), await computed(one)], [7, 199, 3]);
    assert.equal(await page_health(one), HEALTHY);
});

test("many removals in one tab leave the other what they do not concern", async (t) => {
    const [one, two] = [await fresh(t), await open(t, shared)];
    await two.run("memo.numbered_up_to(100)");
    await one.until("return Object.keys(localStorage).filter((n) => n.includes('numbered')).length > 100");
    await one.run("for (let n = 0; n < 50; n++) memo.numbered_invalidate(n)");
    await two.until("return Object.keys(localStorage).filter((n) => n.includes('numbered')).length <= 51");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await two.run("memo.numbered_up_to(100)");
    assert.equal(await computed(two), 150);
});

test("what is removed by another module of the page while it is computed is not stored", async (t) => {
    const page = await fresh(t);
    const left = await page.run(`
        const other = await import("./page.js?other");
        await other.default({ module_or_path: "./page_bg.wasm" });
        other.upper_invalidate("x");
        const waits = memo.upper("x");
        for (let n = 0; n < 100 && memo.computed() === 0; n++) await null;
        other.upper_invalidate("x");
        await waits;
        return Object.keys(localStorage).filter((n) => n.includes("awaited") && !n.endsWith("!"));`);
    assert.deepEqual([left, await computed(page)], [[], 1]);
});

test("a full quota takes the oldest, and every call works", async (t) => {
    const page = await fresh(t);
    await page.run("localStorage.setItem('setting', 'kept')");
    // 60 items of 133 kB are more than 5 MiB of characters.
    await page.run("memo.quote('old'); for (let n = 0; n < 60; n++) memo.large_sum(n)");
    assert.equal(await computed(page), 61);
    const stats = await page.run("return memo.large_stats()");
    assert.match(stats, /errors 0 discarded \[\(\d+, "result that gave way because localStorage was full"\)\]/);
    const stored = Number(/stored (\d+)/.exec(stats)[1]);
    assert.ok(stored >= 30 && stored < 45, stats);
    assert.equal(await page.run("return memo.large_health()"), HEALTHY);
    assert.equal(await page.run("return localStorage.getItem('setting')"), "kept");
    await page.reload();
    await page.run("memo.large_sum(59)");
    assert.equal(await computed(page), 0);
});

test("a storage that others fill is said, and heals", async (t) => {
    const page = await fresh(t);
    await page.run(`
        for (let step = 1 << 20, n = 0; step > 0; n++) {
            try { localStorage.setItem("other" + n, "x".repeat(step)); } catch { step >>= 1; }
        }`);
    assert.deepEqual([await quote(page, "ab"), await quote(page, "ab"), await computed(page)], [195, 195, 1]);
    assert.match(await page.run("return memo.quote_health()"), /cannot write localStorage: its quota is used up/);
    assert.match(await page.run("return memo.quote_stats()"), /stored 0 errors 1/);
    await page.run("localStorage.clear(); memo.quote('cd')");
    assert.equal(await page.run("return memo.quote_health()"), HEALTHY);
});

test("a storage that is cleared in mid-use is filled again", async (t) => {
    const page = await fresh(t);
    await quote(page, "ab");
    await page.run("localStorage.clear()");
    assert.deepEqual([await quote(page, "ab"), await quote(page, "cd"), await computed(page)], [195, 199, 2]);
    assert.equal(await page.run("return memo.quote_health()"), HEALTHY);
    assert.match(await page.run("return memo.quote_stats()"), /stored 1 errors 0/);
    await page.reload();
    await quote(page, "cd");
    assert.equal(await computed(page), 0);
});

const NAMES = "Object.keys(localStorage).filter((n) => n.includes('quoted') && !n.endsWith('!'))";

test("a damaged item is computed again, and told of", async (t) => {
    const damages = [
        ["text.slice(0, -2)", "discarded [(1, \"item that has changed since it was written\")]"],
        ["'\\uD800' + text", "discarded [(1, \"item of another program or format\")]"],
        ["'{}'", "discarded [(1, \"item of another program or format\")]"],
    ];
    for (const [damage, discarded] of damages) {
        const page = await fresh(t);
        await quote(page, "ab");
        await page.run(`
            const [name] = ${NAMES};
            const text = localStorage.getItem(name);
            localStorage.setItem(name, ${damage});`);
        await page.reload();
        assert.deepEqual([await quote(page, "ab"), await computed(page)], [195, 1]);
        const stats = await page.run("return memo.quote_stats()");
        assert.ok(stats.includes(discarded) && stats.includes("errors 1"), stats);
        assert.equal(await page.run("return memo.quote_damage()"), 1);
        // The new result has taken its place.
        assert.equal(await page.run("return memo.quote_health()"), HEALTHY);
        await page.reload();
        assert.deepEqual([await quote(page, "ab"), await computed(page)], [195, 0]);
    }
});

test("a result of another version is not used", async (t) => {
    const page = await fresh(t);
    await quote(page, "ab");
    await page.run(`
        const [name] = ${NAMES};
        const parts = name.split("/");
        parts[3] = "0123456789abcdef";
        localStorage.setItem(parts.join("/"), localStorage.getItem(name));
        localStorage.removeItem(name);`);
    await page.reload();
    assert.deepEqual([await quote(page, "ab"), await computed(page)], [195, 1]);
    assert.equal((await page.run(`return ${NAMES}`)).length, 2);
});

test("a time to live goes on across reloads", async (t) => {
    const page = await fresh(t);
    await page.run("memo.brief_successor(1)");
    const began = Date.now();
    await page.reload();
    await page.run("memo.brief_successor(1)");
    assert.ok(Date.now() - began < 1900, "the machine is too slow for this test");
    assert.equal(await computed(page), 0);
    await new Promise((resolve) => setTimeout(resolve, began + 2100 - Date.now()));
    await page.run("memo.brief_successor(1)");
    assert.equal(await computed(page), 1);
    await page.reload();
    await page.run("memo.brief_successor(1)");
    assert.equal(await computed(page), 0);
});

test("no more is kept than `max` says", async (t) => {
    const page = await fresh(t);
    await page.run("for (let n = 0; n < 20; n++) memo.bounded_identity(n)");
    const left = "return Object.keys(localStorage).filter((n) => n.includes('bounded') && !n.endsWith('!')).length";
    assert.equal(await page.run(left), 5);
});

test("a result that memory has evicted is read from the storage", async (t) => {
    const page = await fresh(t);
    await page.run("for (const s of ['a', 'b', 'c']) memo.quote(s); memo.quote_forget_memory_of(1)");
    await page.run("memo.quote_forget_memory_of(1000); for (const s of ['a', 'b', 'c']) memo.quote(s)");
    assert.equal(await computed(page), 3);
});

test("a result that is larger than `max_disk` displaces nothing, and is told of", async (t) => {
    const page = await fresh(t);
    await page.run("memo.confined_len(10); memo.confined_len(100000)");
    assert.match(await page.run("return memo.confined_health()"), /too large to be stored: .* of 20000 for all/);
    await page.reload();
    await page.run("memo.confined_len(10)");
    assert.equal(await computed(page), 0);
    assert.equal(await page.run("return memo.confined_health()"), HEALTHY);
});

test("a removal does not end what health says of a write that failed", async (t) => {
    const page = await fresh(t);
    await quote(page, "ab");
    await page.run("memo.large_clear()");
    await page.run(`
        for (let step = 1 << 20, n = 0; step > 1000; n++) {
            try { localStorage.setItem("other" + n, "x".repeat(step)); } catch { step >>= 1; }
        }
        memo.large_sum(1); memo.large_clear();`);
    assert.match(await page.run("return memo.large_health()"), /cannot write localStorage: its quota is used up/);
});

test("a name and keys of any text keep their results", async (t) => {
    const page = await fresh(t);
    const texts = JSON.stringify(["", "/", "!", "#", "a/!", "\"'\\ \n", "\u{1f600}", "k".repeat(200_000)]);
    await page.run(`${texts}.forEach((text) => memo.odd_text(text))`);
    await page.reload();
    const found = await page.run(`return ${texts}.every((text) => memo.odd_text(text) === text + '/" ')`);
    assert.deepEqual([found, await computed(page)], [true, 0]);
    // What is no text in Rust becomes U+FFFD on the way.
    assert.equal(await page.run("return memo.odd_text('\\ud800')"), '\ufffd/" ');
});

test("no call and no event looks at all of 10,000 results", async (t) => {
    const [one, two] = [await fresh(t), await open(t, shared)];
    const time = async (page, body) => {
        const began = Date.now();
        await page.run(body);
        return Date.now() - began;
    };
    await two.run("memo.numbered_up_to(10)");
    const times = { fill: await time(two, "memo.numbered_up_to(10000)") };
    await one.until("return Object.keys(localStorage).filter((n) => n.includes('numbered')).length > 10000");
    times.found = await time(one, "memo.numbered_up_to(10000)");
    times.invalidate = await time(one, "for (let n = 0; n < 1000; n++) memo.numbered_invalidate(n)");
    times.heard = await time(two, "await new Promise((r) => setTimeout(r)); memo.numbered_up_to(10000)");
    times.clear = await time(one, "memo.numbered_clear()");
    times.cleared = await time(two, "await new Promise((r) => setTimeout(r)); memo.numbered_up_to(10)");
    await two.until("return Object.keys(localStorage).filter((n) => n.includes('numbered')).length <= 12");
    times.over = await time(two, "memo.numbered_up_to(10)");
    t.diagnostic(JSON.stringify(times));
    // What looked at all items for each would take minutes.
    assert.ok(Object.values(times).every((time) => time < 10_000), JSON.stringify(times));
});

test("a private window has its own results", async (t) => {
    const page = await fresh(t);
    await quote(page, "ab");
    const { browserContextId } = await shared.browser.send("Target.createBrowserContext");
    const hidden = await shared.browser.open(shared.url, browserContextId);
    assert.deepEqual([await quote(hidden, "ab"), await computed(hidden)], [195, 1]);
    await hidden.reload();
    assert.deepEqual([await quote(hidden, "ab"), await computed(hidden)], [195, 0]);
    await shared.browser.send("Target.disposeBrowserContext", { browserContextId });
});

test("a page without a storage works from memory, and says why", async (t) => {
    const page = await open(t, shared, `${shared.url}?sandbox`);
    assert.deepEqual([await quote(page, "ab"), await quote(page, "ab"), await computed(page)], [195, 195, 1]);
    assert.match(await page.run("return memo.quote_health()"), /cannot open localStorage: SecurityError: /);
    await page.run("memo.quote_invalidate('ab'); memo.quote_clear(); memo.quote('ab')");
    assert.equal(await computed(page), 2);
});

test("a worker works from memory, and says why", async (t) => {
    const page = await fresh(t);
    const answer = await page.run(`
        const { run } = await startWorker();
        return run("return [Number(memo.quote('ab')), Number(memo.quote('ab')), memo.computed(), memo.quote_health()]");`);
    assert.deepEqual(answer.slice(0, 3), [195, 195, 1]);
    assert.match(answer[3], /cannot open localStorage: there is none here; a worker has files, which .* opens/);
});
