import assert from "node:assert/strict";
import sharp from "sharp";
import { createRandom } from "../../lib/base/mod.ts";
import { Noise } from "../../lib/synthetic/noise.ts";
import { passJpeg } from "../../lib/synthetic/teacher/jpeg.ts";
import { Plate, Spacer } from "../../lib/synthetic/teacher/plate.ts";
import { fillPinholes, layShapes, separatePieces } from "../../lib/synthetic/teacher/shapes.ts";

function blankPlate(side: number, pixel: number): Plate {
  return new Plate(side, side, pixel, new Noise(createRandom(1)));
}

const SMOOTH = { stray: [0, 0] as [number, number], gap: 0, allowed: () => true };

Deno.test("the JPEG step loses what libjpeg (sharp) loses, at three qualities", async () => {
  const side = 64, n = side * side;
  const noise = new Noise(createRandom(3));
  const original = new Uint8Array(3 * n);
  for (let i = 0; i < n; i++) {
    const x = i % side, y = Math.floor(i / side);
    const light = 230 * noise.cloud(x / 5, y / 5);
    for (let c = 0; c < 3; c++) {
      original[3 * i + c] = light + 25 * noise.cloud(x / 16 + 40 * c, y / 16);
    }
  }
  for (const quality of [40, 75, 92]) {
    const planes = [0, 1, 2].map((c) =>
      Float32Array.from({ length: n }, (_, i) => original[3 * i + c])
    );
    passJpeg(planes as [Float32Array, Float32Array, Float32Array], side, side, quality);
    const file = await sharp(original, { raw: { width: side, height: side, channels: 3 } })
      .jpeg({ quality, chromaSubsampling: "4:2:0" }).toBuffer();
    const theirs = await sharp(file).raw().toBuffer();
    let apart = 0, loss = 0, own = 0;
    for (let i = 0; i < n; i++) {
      // Green carries most of the luminance; chrominance is interpolated differently by decoders.
      const mine = Math.min(255, Math.max(0, planes[1][i]));
      apart += Math.abs(mine - theirs[3 * i + 1]) / n;
      loss += Math.abs(original[3 * i + 1] - theirs[3 * i + 1]) / n;
      own += Math.abs(original[3 * i + 1] - mine) / n;
    }
    assert.ok(Math.abs(own / loss - 1) < 0.25, `quality ${quality}: loses ${own}, libjpeg ${loss}`);
    assert.ok(
      apart < 0.75 * loss,
      `quality ${quality}: ${apart} from libjpeg, which loses ${loss}`,
    );
  }
});

Deno.test("a tube covers the capsule's area at every pixel size", () => {
  const area = 2 * 20 * 60 + Math.PI * 20 ** 2;
  for (const pixel of [0.5, 1.24, 2]) {
    const plate = blankPlate(Math.round(160 / pixel), pixel);
    layShapes(plate, [{ limbs: [50, 80, 20, 110, 80, 20], radius: 20 }], SMOOTH);
    const covered = plate.labels.filter((label) => label === 1).length * pixel ** 2;
    assert.ok(Math.abs(covered / area - 1) < 0.03, `${covered} µm² of ${area} at ${pixel} µm`);
  }
});

Deno.test("crowded tubes share the room along the middle, or leave the gap asked for", () => {
  const two = [30, 54].map((x) => ({ limbs: [x, 20, 15, x, 60, 15], radius: 15 }));
  const touching = blankPlate(84, 1);
  layShapes(touching, two, SMOOTH);
  const row = touching.labels.subarray(40 * 84, 41 * 84);
  const last = row.lastIndexOf(1), first = row.indexOf(2);
  assert.equal(first - last, 1);
  assert.ok(Math.abs(last - 41.5) <= 1, `the border lies at ${last}`);
  const apart = blankPlate(84, 1);
  layShapes(apart, two, { ...SMOOTH, gap: 4 });
  const gap = apart.labels.subarray(40 * 84, 41 * 84);
  assert.ok(gap.indexOf(2) - gap.lastIndexOf(1) >= 3);
});

Deno.test("pieces get numbers of their own, small ones go, and `whole` keeps the largest", () => {
  const draw = () => {
    const plate = blankPlate(10, 1);
    for (
      const [row, column, label] of [[0, 0, 1], [0, 1, 1], [0, 2, 1], [5, 5, 1], [5, 6, 1], [
        9,
        9,
        2,
      ]]
    ) {
      plate.labels[row * 10 + column] = label;
    }
    return plate;
  };
  const all = draw();
  assert.deepEqual(separatePieces(all, 2, false), [0, 1, 1]);
  assert.deepEqual([...all.labels.filter((v) => v > 0)], [1, 1, 1, 2, 2]);
  const whole = draw();
  assert.deepEqual(separatePieces(whole, 1, true), [0, 1, 2]);
  assert.deepEqual([...whole.labels.filter((v) => v > 0)], [1, 1, 1, 2]);
});

Deno.test("holes are filled when one gland encloses them and they are small", () => {
  const plate = blankPlate(20, 1);
  for (let row = 2; row < 18; row++) plate.labels.fill(1, row * 20 + 2, row * 20 + 18);
  plate.labels[5 * 20 + 5] = 0;
  for (let row = 8; row < 14; row++) plate.labels.fill(0, row * 20 + 8, row * 20 + 14);
  fillPinholes(plate, 10);
  assert.equal(plate.labels[5 * 20 + 5], 1);
  assert.equal(plate.labels[10 * 20 + 10], 0);
  assert.equal(plate.labels[0], 0);
});

Deno.test("a spacer keeps the distance that brute force finds", () => {
  const random = createRandom(8), spacer = new Spacer(6);
  const kept: [number, number][] = [];
  for (let n = 0; n < 800; n++) {
    const x = random.uniform(-20, 60), y = random.uniform(-20, 60), least = random.uniform(1, 6);
    const free = kept.every(([a, b]) => Math.hypot(a - x, b - y) >= least);
    assert.equal(spacer.claim(x, y, least), free, `try ${n}`);
    if (free) kept.push([x, y]);
  }
  assert.ok(kept.length > 100);
});

Deno.test("inward points to the middle of a disc from everywhere in it", () => {
  const plate = blankPlate(80, 1);
  layShapes(plate, [{ limbs: [40, 40, 30, 40, 40, 30], radius: 30 }], SMOOTH);
  plate.measure();
  for (let k = 0; k < 24; k++) {
    const phi = 2 * Math.PI * k / 24;
    const i = plate.at(40 + 22 * Math.cos(phi), 40 + 22 * Math.sin(phi));
    const turn = Math.cos(plate.inward(i) - phi - Math.PI);
    assert.ok(turn > 0.93, `at ${phi} rad: cosine ${turn}`);
  }
});
