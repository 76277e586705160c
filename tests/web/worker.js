// Runs bodies of async functions that the page sends, with the module as `memo`, and `tell` to tell the page something.
import * as memo from "./page.js";

const AsyncFunction = (async () => {}).constructor;
const tell = (told) => postMessage({ told });

self.onmessage = async ({ data }) => {
    try {
        postMessage({ result: await new AsyncFunction("memo", "tell", data)(memo, tell) });
    } catch (error) {
        postMessage({ error: String(error) });
    }
};
await memo.default();
postMessage({ ready: true });
