// Runs a program under WASI: `node run_wasi.mjs MODULE CACHE [ARGUMENT]...`, where the program sees CACHE as `/cache`, or
// no folder at all if that is `none`.

import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [module, cache, ...args] = process.argv.slice(2);
const preopens = cache === "none" ? {} : { "/cache": cache };
const wasi = new WASI({ version: "preview1", args: [module, ...args], preopens });
const compiled = await WebAssembly.compile(await readFile(module));
const instance = await WebAssembly.instantiate(compiled, wasi.getImportObject());
process.exitCode = wasi.start(instance);
