import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { labBytesToRgb, labToRgb, rgbToLab, rgbToLabBytes } from "../../lib/image/cielab.ts";

const OPENCV = "ce8f45a837454d753ce065afedc498258133fc54c321843b57c660c43a221194";

/** L*, a*, b* of sRGB by skimage.color.rgb2lab (D65, 2° observer). */
const KNOWN: [rgb: [number, number, number], lab: [number, number, number]][] = [
  [[0, 0, 0], [0, 0, 0]],
  [[255, 255, 255], [100, 0, 0]],
  [[255, 0, 0], [53.2406, 80.0923, 67.2028]],
  [[0, 255, 0], [87.7351, -86.1829, 83.1795]],
  [[0, 0, 255], [32.2957, 79.1856, -107.8573]],
  [[128, 128, 128], [53.585, 0, 0]],
];

Deno.test("primaries, black, grey and white have the L*a*b* of scikit-image, and come back", () => {
  const lab = new Float64Array(3), back = new Float64Array(3);
  for (const [rgb, wanted] of KNOWN) {
    rgbToLab(...rgb, lab);
    wanted.forEach((value, i) => assert.ok(Math.abs(lab[i] - value) < 0.02, `${rgb}: ${lab}`));
    labToRgb(lab[0], lab[1], lab[2], back);
    rgb.forEach((value, i) => assert.ok(Math.abs(back[i] - value) < 0.3, `${rgb}: ${back}`));
  }
});

Deno.test("4096 colours have OpenCV's bytes, and the way back is the exact one rounded", () => {
  const data = Uint8Array.from({ length: 4096 * 3 }, (_, i) => {
    const colour = Math.floor(i / 3);
    return 17 * [colour >> 8, (colour >> 4) & 15, colour & 15][i % 3];
  });
  const bytes = rgbToLabBytes(data), back = labBytesToRgb(bytes), exact = new Float64Array(3);
  // cv2.cvtColor(…, cv2.COLOR_RGB2LAB) of OpenCV 4.11
  const digest = createHash("sha256").update(bytes).digest("hex");
  assert.equal(digest, OPENCV);
  for (let p = 0; p < bytes.length; p += 3) {
    labToRgb(bytes[p] / 2.55, bytes[p + 1] - 128, bytes[p + 2] - 128, exact);
    exact.forEach((value, c) => assert.ok(Math.abs(back[p + c] - value) <= 0.5));
  }
});

Deno.test("colours outside sRGB are cut to it", () => {
  const rgb = new Float64Array(3);
  labToRgb(120, 0, 0, rgb);
  assert.deepEqual([...rgb], [255, 255, 255]);
  labToRgb(50, -120, 90, rgb);
  assert.equal(rgb[0], 0);
  assert.deepEqual([...labBytesToRgb(Uint8Array.from([0, 128, 128]))], [0, 0, 0]);
});
