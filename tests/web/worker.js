// Calls a function in a worker, and tells what came of it.
import * as memo from "./page.js";

await memo.default();
postMessage([String(memo.quote("ab")), String(memo.quote("ab")), memo.computed(), memo.quote_health()]);
