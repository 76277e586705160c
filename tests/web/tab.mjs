// What the tests of pages share: a server, a browser whose profile is removed at the end, and pages in it.

import { after, before } from "node:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Browser } from "./browser.mjs";
import { serve } from "./server.mjs";

// Starts a server for the folder MEMOKIT_PAGE, in which `file` is the page, and a browser, before the tests of a file. Ends them afterwards.
export function start(file = "page.html") {
    const scratch = mkdtempSync(join(tmpdir(), "memokit-web-"));
    const shared = { profile: join(scratch, "profile") };
    before(async () => {
        shared.server = await serve(process.env.MEMOKIT_PAGE);
        shared.url = `${shared.server.address}/${file}`;
        shared.browser = await Browser.start(shared.profile);
    });
    after(async () => {
        await shared.browser?.close();
        await shared.server?.end();
        rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    });
    return shared;
}

// Opens a page, and closes it when the test has ended.
export async function open(t, shared, url = shared.url) {
    const page = await shared.browser.open(url);
    t.after(() => page.close().catch(() => {}));
    return page;
}
