import assert from "node:assert/strict";
import { collectNotices } from "../../lib/base/notices.ts";
import { readMask } from "../../lib/image/read.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { readPatch } from "../../lib/patching/patch_table.ts";
import { localSource } from "../../lib/training/sample_source.ts";
import { withFolder } from "../support/temporary.ts";
import { noiseImage } from "../support/tiny_dataset.ts";

Deno.test("a patch of background or of crypt alone gets no notice; a mask of an image does", () =>
  withFolder(async (root) => {
    const size = { height: 16, width: 16 };
    for (const [name, value] of [["none", 0], ["all", 1]] as const) {
      const patch = { imagePath: `${root}/${name}.tiff`, maskPath: `${root}/${name}_mask.tiff` };
      await writeRgb(patch.imagePath, noiseImage(16, 16));
      await writeMask(patch.maskPath, { data: new Uint8Array(256).fill(value), ...size });
      const source = localSource(null, 1, 0);
      const { notices } = await collectNotices(async () => {
        await readPatch({ ...patch, crypt: value === 1, image: name });
        await source.prepare({ ...patch, stream: null });
      });
      assert.deepEqual(notices, [], name);
      assert.equal((await collectNotices(() => readMask(patch.maskPath))).notices.length, 1, name);
    }
  }));
