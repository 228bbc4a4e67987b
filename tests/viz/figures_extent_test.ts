import assert from "node:assert/strict";
import { equalScales, extent } from "../../lib/viz/figures/extent.ts";
import { scatterFigure } from "../../lib/viz/figures/scatter.ts";

const cloud = Array.from({ length: 40 }, (_, i) => [Math.cos(i), Math.sin(i)]).flat();

Deno.test("a point far from all others does not stretch the frame, and is counted", () => {
  assert.deepEqual(extent([...cloud, 100, 0], 0), extent(cloud, 0));
  assert.deepEqual(extent([...cloud, 100, 0], 1), extent(cloud, 1));
  const groups = (n: number) => Array(n).fill("crypt");
  const figure = (xy: number[]) =>
    scatterFigure({ xy, groups: groups(xy.length / 2) }, { title: "t" });
  assert.match(figure([...cloud, 100, 0]), /1 beyond the frame \(hollow\)/);
  assert.ok(!figure(cloud).includes("beyond"));
});

Deno.test("few points, equal points and spread points all keep their place", () => {
  assert.deepEqual(extent([0, 0, 1, 0, 100, 0], 0), [-4, 104]);
  assert.deepEqual(extent([5, 1, 5, 2], 0), [4, 6]);
  assert.deepEqual(extent([], 0), [-0.04, 1.04]);
  const spread = Array.from({ length: 50 }, (_, i) => [i ** 2, 0]).flat();
  assert.ok(extent(spread, 0)[1] > 49 ** 2);
  assert.throws(() => extent([0, Number.NaN], 1), /coordinate 1 is NaN/);
});

Deno.test("equal scales grow the shorter axis around its middle", () => {
  assert.deepEqual(equalScales([0, 10], [4, 6]), [[0, 10], [0, 10]]);
});
