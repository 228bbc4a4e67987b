import assert from "node:assert/strict";
import { drawTeaching, type TeachingSample } from "../../lib/synthetic/mod.ts";

/** Drawings with a surface and nothing that damages it. */
function draw(index: number, mouths: number): TeachingSample {
  const fixed = { glass: 0.3, mouths, cleft: 0, blur: 0.3, noise: 0.5, jpeg: 95, cytoplasm: 1.5 };
  return drawTeaching(8, index, { side: 256, pixelSize: 1.24, groups: [], fixed });
}

/** How many labelled pixels there are, and how many of them the bright ones lead to from the glass. */
function openToGlass({ image, labels }: TeachingSample): { labelled: number; reached: number } {
  const { width, height, data } = labels;
  const bright = (i: number) => [0, 1, 2].every((c) => image.data[3 * i + c] > 215);
  const seen = new Uint8Array(width * height), stack: number[] = [];
  for (let i = 0; i < seen.length; i++) {
    const row = Math.floor(i / width), column = i % width;
    const edge = row === 0 || column === 0 || row === height - 1 || column === width - 1;
    if (edge && data[i] === 0 && bright(i)) stack.push(i);
  }
  for (const i of stack) seen[i] = 1;
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    for (const k of [i - 1, i + 1, i - width, i + width]) {
      if (k < 0 || k >= seen.length || seen[k] || Math.abs(k % width - i % width) > 1) continue;
      if (!bright(k)) continue;
      seen[k] = 1;
      stack.push(k);
    }
  }
  let labelled = 0, reached = 0;
  data.forEach((label, i) => {
    if (label === 0) return;
    labelled++;
    if (seen[i]) reached++;
  });
  return { labelled, reached };
}

Deno.test("from the glass one gets into crypts where they open to the surface, and nowhere else", () => {
  let open = 0, closed = 0, all = 0;
  for (let index = 0; index < 6; index++) {
    open += openToGlass(draw(index, 1)).reached;
    const shut = openToGlass(draw(index, 0));
    closed += shut.reached;
    all += shut.labelled;
  }
  assert.ok(open > 3000, `${open} pixels of open lumens`);
  assert.ok(closed < 0.01 * all, `${closed} of ${all} labelled pixels without mouths`);
});

Deno.test("the surface's epithelium is as dark as that of crypts, and background", () => {
  for (let index = 0; index < 3; index++) {
    const { image, labels: { data, width, height } } = draw(index, 0);
    const green = (wanted: (i: number) => boolean) => {
      const values = [...data.keys()].filter(wanted).map((i) => image.data[3 * i + 1]);
      assert.ok(values.length > 300, `${values.length} pixels`);
      return values.reduce((sum, v) => sum + v, 0) / values.length;
    };
    // Tissue within 10 pixels of the glass, which is where the rows and columns become bright.
    const glass = (i: number) => [0, 1, 2].every((c) => image.data[3 * i + c] > 225);
    const near = (i: number) =>
      [10, -10, 10 * width, -10 * width].some((step) => {
        const k = i + step;
        if (k < 0 || k >= width * height || !glass(k)) return false;
        return [2, 3, 4].every((far) => {
          const m = i + far * step;
          return m < 0 || m >= width * height || glass(m);
        });
      });
    const surface = green((i) => data[i] === 0 && !glass(i) && near(i));
    const crypts = green((i) => data[i] > 0 && !glass(i));
    assert.ok(Math.abs(surface - crypts) < 45, `surface ${surface}, crypts ${crypts}`);
  }
});
