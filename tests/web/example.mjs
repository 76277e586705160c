// The example `examples/browser`: `MEMOKIT_PAGE=FOLDER node --test example.mjs`, where the folder is what its build.sh
// made. Puts a picture of the page at MEMOKIT_PICTURE, if that is set.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open, start } from "./tab.mjs";

const shared = start("index.html");

const shown = (page) => page.until("return document.body.dataset.shown === 'yes'");
const last = (page) => page.run("return document.getElementById('last').textContent");
const row = (page, name) =>
    page.run(`
        const rows = [...document.querySelectorAll("#statistics tr")];
        return rows.find((row) => row.children[0].textContent === "${name}").children[1].textContent;`);

test("a view is computed once, also over a reload and a way back", async (t) => {
    const page = await open(t, shared);
    await shown(page);
    assert.match(await last(page), /^20 tiles in \d+ ms, of which 20 were computed$/);
    await page.reload();
    await shown(page);
    assert.match(await last(page), /of which 0 were computed$/);
    assert.equal(await row(page, "from localStorage"), "20");
    await page.run(`
        document.body.dataset.shown = "no";
        document.getElementById("view").dispatchEvent(new MouseEvent("click", { clientX: 300, clientY: 300 }));`);
    await shown(page);
    assert.match(await last(page), /of which 20 were computed$/);
    if (process.env.MEMOKIT_PICTURE) await page.screenshot(process.env.MEMOKIT_PICTURE);
    await page.run("document.getElementById('report').click()");
    await page.until("return document.getElementById('page').clientHeight > 100");
    assert.match(await page.run("return document.getElementById('page').srcdoc"), /index.html, process 1, .*browser_example::tile/s);
    if (process.env.MEMOKIT_REPORT) {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        await page.screenshot(process.env.MEMOKIT_REPORT);
    }
    await page.run("document.body.dataset.shown = 'no'; history.back()");
    await shown(page);
    assert.match(await last(page), /of which 0 were computed$/);
    assert.equal(await row(page, "health"), "good");
});
