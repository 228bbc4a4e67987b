import assert from "node:assert/strict";
import { codeOnly, mutantsOf } from "../scripts/mutate.ts";

Deno.test("mutants change code, never strings, comments, imports or types", () => {
  const text = [
    'import { a } from "b < c";',
    "/** a < b, 3 */",
    "interface Size {\n  side: 5;\n}",
    'const text = "1 < 2"; // 4',
    "if (side < 7) x = a + b;",
  ].join("\n");
  assert.equal(codeOnly(text).length, text.length);
  const found = mutantsOf("x.ts", text);
  assert.deepEqual([...new Set(found.map((m) => m.line))], [7]);
  const changed = found.map(({ at, from, to }) =>
    text.slice(0, at) + to + text.slice(at + from.length)
  )
    .map((source) => source.split("\n").at(-1));
  for (
    const wanted of [
      "if (side <= 7) x = a + b;",
      "if (side < 8) x = a + b;",
      "if (side < 7) x = a - b;",
    ]
  ) {
    assert.ok(changed.includes(wanted), `${wanted} among ${changed.join(" | ")}`);
  }
});
