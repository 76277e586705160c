// Serves the files of a folder on the loopback interface.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".wasm": "application/wasm" };

// A page of a sandbox has no origin, so it loads the module only if that says so.
const HEADERS = { "access-control-allow-origin": "*", "cache-control": "no-cache" };

// Returns the address and what ends the server.
export async function serve(folder) {
    const server = createServer(async (request, response) => {
        const { pathname, searchParams } = new URL(request.url, "http://localhost");
        const path = normalize(pathname);
        // Such a page has no origin, and so no storage.
        const sandbox = searchParams.has("sandbox") ? { "content-security-policy": "sandbox allow-scripts" } : {};
        try {
            const body = await readFile(join(folder, path));
            response.writeHead(200, { ...HEADERS, ...sandbox, "content-type": TYPES[extname(path)] ?? "text/plain" });
            response.end(body);
        } catch {
            response.writeHead(404).end();
        }
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const end = () => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
    };
    return { address: `http://127.0.0.1:${server.address().port}`, end };
}
