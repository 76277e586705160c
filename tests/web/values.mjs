// Arguments that come from JavaScript: `MEMOKIT_PAGE=FOLDER node --test values.mjs`, where the folder has the bound module
// and page.html. What is found here stands in docs/browser.md.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open, start } from "./tab.mjs";

const shared = start();

// Calls the function with each value twice. Returns which values have one number, as groups of their places, and
// the errors by place.
const groups = (page, name, values) =>
    page.run(`
        const values = [${values.join(", ")}];
        const groups = {};
        const errors = {};
        for (const round of [1, 2]) {
            values.forEach((value, place) => {
                try { (groups[memo.${name}(value)] ??= new Set()).add(place); }
                catch (error) { errors[place] = error.message; }
            });
        }
        return { groups: Object.values(groups).map((group) => [...group]), errors };`);

// Checks which values share an entry, and what is said of the others.
async function check(t, name, values, expected, refused) {
    const page = await open(t, shared);
    const { groups: found, errors } = await groups(page, name, values);
    const named = (group) => group.map((place) => values[place]);
    assert.deepEqual(found.map(named), expected);
    assert.deepEqual(named(Object.keys(errors)), refused);
    t.diagnostic(JSON.stringify(Object.values(errors)));
}

test("a struct: a missing field, undefined, null and the order of properties", (t) =>
    check(
        t,
        "query_number",
        ["{}", "{ limit: undefined }", "{ limit: null }", "{ text: 'a', limit: 1 }", "{ limit: 1, text: 'a' }",
            "{ text: 'a', limit: 1, other: 2 }", "new Map([['limit', 1], ['text', 'a']])", "{ limit: 1.5 }", "null",
            "new Date(0)"],
        // The entries of a map are no fields.
        [["{}", "{ limit: undefined }", "{ limit: null }", "new Map([['limit', 1], ['text', 'a']])",
            "new Date(0)"],
            ["{ text: 'a', limit: 1 }", "{ limit: 1, text: 'a' }", "{ text: 'a', limit: 1, other: 2 }"]],
        ["{ limit: 1.5 }", "null"],
    ));

test("a struct: numbers", (t) =>
    check(
        t,
        "query_number",
        ["{ price: 0 }", "{ price: -0 }", "{ price: NaN }", "{ price: 0 / 0 }", "{ price: Infinity }", "{ price: 1n }",
            "{ number: 1 }", "{ number: 1n }", "{ number: 2n ** 64n - 1n }", "{ number: 2 ** 53 }", "{ number: -1 }"],
        [["{ price: 0 }"], ["{ price: -0 }"], ["{ price: NaN }", "{ price: 0 / 0 }"], ["{ price: Infinity }"],
            ["{ number: 1 }", "{ number: 1n }"], ["{ number: 2n ** 64n - 1n }"]],
        ["{ price: 1n }", "{ number: 2 ** 53 }", "{ number: -1 }"],
    ));

test("a struct: bytes, lists and maps", (t) =>
    check(
        t,
        "query_number",
        ["{ bytes: new Uint8Array([1, 2]) }", "{ bytes: [1, 2] }", "{ bytes: new Uint8Array([1, 2]).buffer }",
            "{ bytes: new Uint8ClampedArray([1, 2]) }", "{ list: [1, 2] }", "{ list: new Set([1, 2]) }",
            "{ list: new Float32Array([1, 2]) }", "{ counts: { a: 1, b: 2 } }", "{ counts: { b: 2, a: 1 } }",
            "{ counts: new Map([['b', 2], ['a', 1]]) }", "{ counts: new Map([[1, 2]]) }"],
        [["{ bytes: new Uint8Array([1, 2]) }", "{ bytes: [1, 2] }", "{ bytes: new Uint8Array([1, 2]).buffer }"],
            ["{ list: [1, 2] }", "{ list: new Set([1, 2]) }", "{ list: new Float32Array([1, 2]) }"],
            ["{ counts: { a: 1, b: 2 } }", "{ counts: { b: 2, a: 1 } }",
                "{ counts: new Map([['b', 2], ['a', 1]]) }"]],
        ["{ bytes: new Uint8ClampedArray([1, 2]) }", "{ counts: new Map([[1, 2]]) }"],
    ));

test("any value, as serde_json::Value", (t) =>
    check(
        t,
        "value_number",
        ["undefined", "null", "NaN", "Infinity", "0", "-0", "0n", "1.5", "2 ** 53", "2n ** 64n", "'a'", "[1]", "new Set([1])",
            "{ a: 1, b: undefined }", "{ b: null, a: 1 }", "new Map([['a', 1], ['b', null]])", "{ a: 1 }",
            "new Uint8Array([1])", "new Uint8Array([1]).buffer", "new Uint8ClampedArray([1])", "new Float32Array([1])",
            "new Date(0)", "new Date(1)", "Symbol()", "() => 1"],
        [["undefined", "null", "NaN", "Infinity"], ["0", "-0", "0n"], ["1.5"], ["2 ** 53"], ["'a'"], ["[1]"],
            ["{ a: 1, b: undefined }", "{ b: null, a: 1 }", "new Map([['a', 1], ['b', null]])"], ["{ a: 1 }"],
            ["new Date(0)", "new Date(1)"]],
        ["2n ** 64n", "new Set([1])", "new Uint8Array([1])", "new Uint8Array([1]).buffer",
            "new Uint8ClampedArray([1])", "new Float32Array([1])", "Symbol()", "() => 1"],
    ));
