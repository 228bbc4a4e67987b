import assert from "node:assert/strict";
import sharp from "sharp";
import {
  inNotebook,
  liveFigure,
  showHtml,
  showImage,
  showSvg,
  showTable,
  showText,
} from "../../lib/notebook/display.ts";

const outputOf = (value: unknown) =>
  (value as Record<symbol, () => Record<string, string>>)[Symbol.for("Jupyter.display")]();

Deno.test("a table is HTML with right-aligned numbers and a plain text", () => {
  const output = outputOf(showTable([{ image: "a<b", Dice: 0.91234, crypts: 3 }], { digits: 2 }));
  assert.match(output["text/html"], /<td style="text-align:left">a&lt;b<\/td>/);
  assert.match(output["text/html"], /<td style="text-align:right">0\.91<\/td>/);
  assert.equal(output["text/plain"], "image  Dice  crypts\na<b    0.91       3");
});

Deno.test("a long table is cut and says so", () => {
  const output = outputOf(showTable([1, 2, 3, 4].map((row) => ({ row })), { limit: 2 }));
  assert.equal(output["text/plain"], "row\n  1\n  2\n… and 2 more rows");
  assert.match(output["text/html"], /<p>… and 2 more rows<\/p>$/);
});

Deno.test("a mask is shown as a PNG", async () => {
  const mask = { data: Uint8Array.of(0, 1, 1, 0), height: 2, width: 2 };
  const png = outputOf(await showImage(mask))["image/png"];
  assert.equal(atob(png).slice(1, 4), "PNG");
});

Deno.test("a figure is never wider than its page, and has a PNG beside the SVG", async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="1080" height="9"></svg>';
  const output = await outputOf(showSvg(svg));
  assert.match(output["image/svg+xml"], /^<svg style="max-width:100%;height:auto" /);
  const png = Uint8Array.from(atob(output["image/png"]), (c) => c.charCodeAt(0));
  assert.equal((await sharp(png).metadata()).width, 1620);
});

Deno.test("text is shown as it is", () => {
  assert.deepEqual(outputOf(showText("no polygons")), { "text/plain": "no polygons" });
});

Deno.test("HTML comes with its plain text", () => {
  assert.deepEqual(outputOf(showHtml("<b>x</b>", "x")), {
    "text/html": "<b>x</b>",
    "text/plain": "x",
  });
});

Deno.test("outside of a notebook a live figure is silent", async () => {
  assert.equal(inNotebook(), false);
  await liveFigure()("<svg/>");
});
