import assert from "node:assert/strict";
import sharp from "sharp";
import { labelComponents } from "../../lib/image/components.ts";
import { readLabels } from "../../lib/image/labels.ts";
import { cropLabels, type LabelMask, resizeLabels } from "../../lib/image/pixels.ts";
import { probeImage } from "../../lib/image/probe.ts";
import { readMask } from "../../lib/image/read.ts";
import { writeLabels, writeMask } from "../../lib/image/write.ts";
import { createRandom } from "../../lib/base/random.ts";
import { filesBelow, withFolder } from "../support/temporary.ts";
import { blockMask } from "../support/tiny_dataset.ts";

/** Labels drawn with digits. */
function drawn(...rows: string[]): LabelMask {
  return { data: Uint16Array.from(rows.join("")), height: rows.length, width: rows[0].length };
}

Deno.test("labels are written with 8 bits where these suffice, else with 16, and read back", () =>
  withFolder(async (folder) => {
    const path = `${folder}/deep/labels.tiff`;
    for (const [most, depth] of [[254, "uchar"], [255, "ushort"], [65535, "ushort"]] as const) {
      const labels = drawn("00110", "22003", "20000");
      labels.data[14] = most;
      await writeLabels(path, labels);
      assert.equal((await probeImage(path)).depth, depth);
      assert.deepEqual(await readLabels(path), labels);
      const mask = await readMask(path);
      assert.deepEqual([...mask.data], [...labels.data].map((v) => v === 0 ? 0 : 1));
    }
    await assert.rejects(writeLabels(`${folder}/a.jpg`, drawn("1")), /a\.jpg must end in \.tiff/);
    await assert.rejects(
      writeLabels(path, { ...drawn("12"), width: 3 }),
      /needs 3 values, got 2/,
    );
    assert.deepEqual(await filesBelow(folder), ["deep/labels.tiff"]);
  }));

Deno.test("a mask of one value becomes its 8-connected components, in reading order", () =>
  withFolder(async (folder) => {
    const labels = drawn("100220", "010200", "000000", "303000", "030044");
    for (const value of [1, 7, 255]) {
      const path = `${folder}/m.png`, data = Uint8Array.from(labels.data, (v) => v && value);
      await sharp(data, { raw: { height: 5, width: 6, channels: 1 } }).toColourspace("b-w").png()
        .toFile(path);
      assert.deepEqual(await readLabels(path), labels, `value ${value}`);
    }
    await writeMask(`${folder}/m.tiff`, { ...labels, data: Uint8Array.from(labels.data) });
    assert.deepEqual(await readLabels(`${folder}/m.tiff`), labels);
    const blue = new Uint8Array(90).map((_, i) => i % 3 === 2 ? labels.data[(i - 2) / 3] : 0);
    await sharp(blue, { raw: { height: 5, width: 6, channels: 3 } }).png().toFile(
      `${folder}/c.png`,
    );
    assert.deepEqual(await readLabels(`${folder}/c.png`), labels);
  }));

Deno.test("components agree with flooding", () => {
  const random = createRandom(5);
  for (let round = 0; round < 30; round++) {
    const height = 1 + random.int(30), width = 1 + random.int(30);
    const mask = blockMask(height, width, round, 12);
    for (let i = 0; i < mask.data.length; i += 3) mask.data[i] &= random.int(2);
    assert.deepEqual(labelComponents(mask).data, flooded(mask.data, height, width), `${round}`);
  }
});

function flooded(mask: Uint8Array, height: number, width: number): Uint16Array {
  const out = new Uint16Array(mask.length);
  let next = 0;
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i] || out[i]) continue;
    const stack = [i];
    out[i] = ++next;
    while (stack.length) {
      const p = stack.pop()!, y = Math.floor(p / width), x = p % width;
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const q = v * width + u;
          if (!mask[q] || out[q]) continue;
          out[q] = next;
          stack.push(q);
        }
      }
    }
  }
  return out;
}

Deno.test("more components than labels are refused", () => {
  const data = new Uint8Array(600 * 600).map((_, i) => (i % 2) & (Math.floor(i / 600) % 2));
  assert.throws(
    () => labelComponents({ data, height: 600, width: 600 }),
    /90000 separate regions exceeds the 65,535/,
  );
});

Deno.test("resizing picks labels and never mixes them; a crop is a copy of the window", () => {
  const labels = drawn("1200", "3400", "0005");
  const large = resizeLabels(labels, 9, 12);
  assert.deepEqual(resizeLabels(large, 3, 4), labels);
  assert.deepEqual([...new Set(large.data)].sort(), [0, 1, 2, 3, 4, 5]);
  assert.equal(resizeLabels(labels, 3, 4), labels);
  assert.throws(() => resizeLabels(labels, 0, 4), /positive integers, got 0 x 4/);
  const part = cropLabels(labels, 1, 1, 2, 3);
  assert.deepEqual(part, drawn("400", "005"));
  part.data.fill(9);
  assert.equal(labels.data[5], 4);
  assert.throws(() => cropLabels(labels, 2, 0, 2, 1), /leaves the image of 3 x 4/);
});

Deno.test("a label file of another size than its image is refused with both sizes", () =>
  withFolder(async (folder) => {
    await writeLabels(`${folder}/a.tiff`, drawn("12", "34"));
    await assert.rejects(
      readLabels(`${folder}/a.tiff`, { height: 2, width: 3 }),
      /mask .*a\.tiff is 2 x 2 \(height x width\), its image 2 x 3/,
    );
  }));
