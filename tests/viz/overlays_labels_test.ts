import assert from "node:assert/strict";
import { labelMap } from "../../lib/viz/overlays/labels.ts";

Deno.test("every label has a colour of its own, and only background is black", () => {
  const data = Uint16Array.from({ length: 60 }, (_, i) => i);
  const { data: rgb, height, width } = labelMap({ data, height: 6, width: 10 });
  assert.deepEqual([height, width, rgb.length], [6, 10, 180]);
  const colours = [...data].map((_, i) => rgb.slice(3 * i, 3 * i + 3).join());
  assert.equal(colours[0], "0,0,0");
  assert.equal(new Set(colours.slice(1)).size, 59);
  assert.ok(rgb.slice(3).every((value) => value >= 60));
});
