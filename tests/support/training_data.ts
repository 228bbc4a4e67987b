/** Small patch sets for tests of the training: pale blobs on a darker ground. */
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import type { ModelConfig } from "../../lib/model/types.ts";
import { createRandom } from "../../lib/base/random.ts";
import type { Patch } from "../../lib/patching/patch_table.ts";

/** The smallest model that learns the blobs in a few steps. */
export const SMALL_MODEL: ModelConfig = {
  architecture: "Unet",
  encoder: "efficientnet-b0",
  encoderDepth: 3,
  decoderChannels: [16, 8, 8],
};

/**
 * Writes `perImage` patches of each of `images` images; the last patch of an image has no blob.
 *
 * @param side of a patch
 */
export async function writePatches(
  folder: string,
  images = 3,
  perImage = 4,
  side = 32,
): Promise<Patch[]> {
  const random = createRandom(11);
  const patches: Patch[] = [];
  for (let image = 0; image < images; image++) {
    for (let index = 0; index < perImage; index++) {
      const crypt = index < perImage - 1;
      const [row, column] = [random.uniform(0.3, 0.7), random.uniform(0.3, 0.7)];
      const rgb = new Uint8Array(side * side * 3);
      const mask = new Uint8Array(side * side);
      for (let p = 0; p < side * side; p++) {
        const distance = Math.hypot(Math.floor(p / side) / side - row, p % side / side - column);
        mask[p] = crypt && distance < 0.25 ? 1 : 0;
        for (let c = 0; c < 3; c++) rgb[3 * p + c] = (mask[p] ? 190 : 110) + random.int(40);
      }
      const name = `slide_${String.fromCharCode(97 + image)}${index}.tiff`;
      const patch: Patch = {
        imagePath: `${folder}/patches/${name}`,
        maskPath: `${folder}/masks/${name}`,
        crypt,
        image: `slide_${String.fromCharCode(97 + image)}`,
      };
      await writeRgb(patch.imagePath, { data: rgb, height: side, width: side });
      await writeMask(patch.maskPath, { data: mask, height: side, width: side });
      patches.push(patch);
    }
  }
  return patches;
}
