import assert from "node:assert/strict";
import { drawContours, traceContours } from "../../lib/annotation/contours.ts";
import type { Mask, RgbImage } from "../../lib/image/pixels.ts";
import { type Point, polygonsToMask } from "../../lib/annotation/polygons.ts";
import { createRandom } from "../../lib/base/random.ts";

function noise(seed: number, height: number, width: number, share: number): Mask {
  const random = createRandom(seed);
  const data = Uint8Array.from({ length: height * width }, () => random.next() < share ? 1 : 0);
  return { data, height, width };
}

const pairs = (points: Int32Array): Point[] =>
  Array.from({ length: points.length / 2 }, (_, i) => [points[2 * i], points[2 * i + 1]] as const);

/** Number of components, by flooding; `eight` joins at corners. */
function components({ data, height, width }: Mask, value: number, eight: boolean): number {
  const seen = new Uint8Array(data.length);
  let count = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] !== value || seen[i]) continue;
    count++;
    const stack = [i];
    seen[i] = 1;
    while (stack.length > 0) {
      const p = stack.pop()!, y = Math.floor(p / width), x = p % width;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          if (!eight && dx !== 0 && dy !== 0) continue;
          const ny = y + dy, nx = x + dx;
          if (ny < 0 || nx < 0 || ny >= height || nx >= width) continue;
          const q = ny * width + nx;
          if (data[q] === value && !seen[q]) {
            seen[q] = 1;
            stack.push(q);
          }
        }
      }
    }
  }
  return count;
}

Deno.test("filled by the even-odd rule, contours give the mask back, whatever touches", () => {
  for (let n = 0; n < 12; n++) {
    const mask = noise(n, 17, 23, 0.2 + 0.05 * n);
    for (const connectivity of [4, 8] as const) {
      const contours = traceContours(mask, connectivity);
      const rings = contours.map((c) => pairs(c.points));
      assert.deepEqual(polygonsToMask([{ rings, classification: null }], 17, 23), mask.data);
      const area = contours.reduce((sum, c) => sum + (c.hole ? -c.area : c.area), 0);
      assert.equal(area, mask.data.reduce((a, b) => a + b));
    }
  }
});

Deno.test("there is one outer contour for each component, and a hole for each enclosed background", () => {
  for (let n = 0; n < 12; n++) {
    const mask = noise(100 + n, 17, 23, 0.3 + 0.04 * n);
    // A frame of background joins what reaches the border.
    const wide: Mask = { data: new Uint8Array(19 * 25), height: 19, width: 25 };
    mask.data.forEach((v, i) => wide.data[(Math.floor(i / 23) + 1) * 25 + i % 23 + 1] = v);
    const eight = traceContours(mask, 8);
    assert.equal(eight.filter((c) => !c.hole).length, components(mask, 1, true));
    assert.equal(eight.filter((c) => c.hole).length, components(wide, 0, false) - 1);
    const four = traceContours(mask, 4);
    assert.equal(four.filter((c) => !c.hole).length, components(mask, 1, false));
  }
});

Deno.test("contours run clockwise as seen around crypt, and only through corners", () => {
  const mask: Mask = { data: Uint8Array.of(1, 1, 1, 1, 0, 1, 1, 1, 1), height: 3, width: 3 };
  const [outer, hole] = traceContours(mask);
  assert.deepEqual(pairs(outer.points), [[3, 0], [3, 3], [0, 3], [0, 0]]);
  assert.deepEqual([outer.hole, outer.area, hole.hole, hole.area], [false, 9, true, 1]);
  assert.deepEqual(pairs(hole.points), [[1, 1], [1, 2], [2, 2], [2, 1]]);
  assert.deepEqual(traceContours({ data: new Uint8Array(4), height: 2, width: 2 }), []);
  assert.throws(() => traceContours({ ...mask, height: 4 }), /4 x 3 needs 12 pixels, got 9/);
});

Deno.test("drawn contours are the border pixels, thickened, and nothing else", () => {
  const mask: Mask = { data: new Uint8Array(30 * 40), height: 30, width: 40 };
  for (let y = 10; y < 20; y++) mask.data.fill(1, y * 40 + 5, y * 40 + 25);
  const image: RgbImage = { data: new Uint8Array(30 * 40 * 3).fill(7), height: 30, width: 40 };
  const on = (drawn: RgbImage, y: number, x: number) => drawn.data[3 * (y * 40 + x)] === 255;
  for (const [width, reach] of [[1, 0], [3, 1], [5, 2]]) {
    const drawn = drawContours(image, mask, [255, 0, 0], { width });
    for (let x = 0; x < 40; x++) {
      // On a row through the middle: the two side borders, `reach` pixels to both sides.
      const expected = Math.abs(x - 5) <= reach || Math.abs(x - 24) <= reach;
      assert.equal(on(drawn, 15, x), expected, `width ${width}, column ${x}`);
    }
  }
  assert.ok(image.data.every((v) => v === 7), "the image is not changed");
  assert.throws(
    () => drawContours(image, { ...mask, height: 29 }, [0, 0, 0]),
    /must have the same/,
  );
  assert.throws(() => drawContours(image, mask, [0, 0, 0], { width: 0 }), /line width must be > 0/);
});

Deno.test("a crypt that is cut by the border has no contour there, and one inside of it", () => {
  const mask: Mask = {
    data: Uint8Array.from({ length: 36 }, (_, i) => i % 6 < 4 ? 1 : 0),
    height: 6,
    width: 6,
  };
  const image: RgbImage = { data: new Uint8Array(108), height: 6, width: 6 };
  const drawn = drawContours(image, mask, [0, 255, 0], { width: 1 });
  for (let i = 0; i < 36; i++) assert.equal(drawn.data[3 * i + 1], i % 6 === 3 ? 255 : 0);
});

Deno.test("a solid contour is the crypt pixels with a neighbour outside (brute force), border aside", () => {
  const mask = noise(9, 23, 31, 0.7), { data, height, width } = mask;
  const image: RgbImage = { data: new Uint8Array(height * width * 3), height, width };
  const drawn = drawContours(image, mask, [1, 2, 3], { width: 1 });
  for (let i = 0; i < data.length; i++) {
    const y = Math.floor(i / width), x = i % width;
    const open = [[0, 1], [1, 0], [0, -1], [-1, 0]].some(([dy, dx]) => {
      const inside = y + dy >= 0 && y + dy < height && x + dx >= 0 && x + dx < width;
      return inside && data[(y + dy) * width + x + dx] === 0;
    });
    assert.equal(drawn.data[3 * i], data[i] && open ? 1 : 0, `pixel ${i}`);
  }
});

Deno.test("dashes are as long as their gaps, and labels that touch have a contour each", () => {
  const data = Uint8Array.from({ length: 50 * 50 }, (_, i) => {
    const y = Math.floor(i / 50), x = i % 50;
    return y >= 5 && y < 45 && x >= 5 && x < 45 ? 1 : 0;
  });
  const image: RgbImage = { data: new Uint8Array(7500), height: 50, width: 50 };
  const count = (drawn: RgbImage) => drawn.data.filter((v) => v === 9).length / 3;
  const solid = count(
    drawContours(image, { data, height: 50, width: 50 }, [9, 9, 9], { width: 1 }),
  );
  const dashed = count(
    drawContours(image, { data, height: 50, width: 50 }, [9, 9, 9], { width: 1, dash: 5 }),
  );
  assert.equal(solid, 4 * 39);
  assert.ok(Math.abs(dashed - solid / 2) <= 4, `${dashed} of ${solid}`);
  const labels = {
    data: Uint16Array.from(data, (v, i) => v && (i % 50 < 25 ? 1 : 2)),
    height: 50,
    width: 50,
  };
  const apart = drawContours(image, labels, [9, 9, 9], { width: 1 });
  assert.equal(apart.data[(20 * 50 + 24) * 3], 9);
  assert.equal(apart.data[(20 * 50 + 25) * 3], 9);
  assert.throws(() => drawContours(image, labels, [9, 9, 9], { dash: -1 }), /dash must be >= 0/);
});
