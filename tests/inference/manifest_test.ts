import assert from "node:assert/strict";
import { join } from "node:path";
import { collectNotices } from "../../lib/base/notices.ts";
import { listManifest } from "../../lib/inference/manifest.ts";
import { withFolder } from "../support/temporary.ts";

Deno.test("a column that nearly is a known one is refused by both names, others are named in one notice", () =>
  withFolder(async (root) => {
    const path = join(root, "list.csv");
    const read = async (header: string, cells: string) => {
      await Deno.writeTextFile(path, `${header}\n${cells}\n`);
      return await collectNotices(() => listManifest(path));
    };
    const wrong: [string, string][] = [
      ...["pixel_size", "pixel_size_µm", "Pixel size (um)", "pixel_sizeum", "mpp", "pixle_size_um"]
        .map((name): [string, string] => [name, "pixel_size_um"]),
      ...["Mask", "masks", "msak", "mask_path", "ground truth"]
        .map((name): [string, string] => [name, "mask"]),
      ...["ID", "Id"].map((name): [string, string] => [name, "id"]),
      ...["images", "Image"].map((name): [string, string] => [name, "image"]),
    ];
    for (const [name, meant] of wrong) {
      const message = `list.csv has the column "${name}", which is not read: is it "${meant}"?`;
      await assert.rejects(
        read(`image,${name}`, "a.png,1"),
        (error: Error) => error.message.includes(message),
        name,
      );
    }
    // Misspelt, the only column that must be there is named, too.
    await assert.rejects(
      read("imgae", "a.png"),
      /column "imgae", which is not read: is it "image"/,
    );
    await assert.rejects(
      read("slide,patient", "a.png,7"),
      /lacks the column "image"; it has "slide"/,
    );

    const { result, notices } = await read(
      "image,patient,stain,height,width,pixel_size_um,mask,id,site",
      'a.png,7,HE,10,20,"0,5",m/a.tiff,first,colon',
    );
    assert.deepEqual(result, [
      { id: "first", path: join(root, "a.png"), pixelSize: 0.5, truth: join(root, "m/a.tiff") },
    ]);
    assert.equal(notices.length, 1);
    assert.match(
      notices[0],
      /list\.csv: not read: "patient", "stain", "site"; columns that are read/,
    );
    assert.deepEqual((await read("image,id", "a.png,x")).notices, []);
    const ordinary = await read("image,task,mark", "a.png,7,8");
    assert.match(ordinary.notices[0], /not read: "task", "mark"; columns/);
    for (const [header, cells] of [["image;id", "a.png;x"], ["image;pixel_size_um", "a.png;0,5"]]) {
      await assert.rejects(
        read(header, cells),
        /table .*list\.csv: .*it is separated by semicolons, expected commas$/,
      );
    }
    await assert.rejects(read("image\tid", "a.png\tx"), /separated by tabs, expected commas/);
    await assert.rejects(read("image,pixel_size_um", "a.png,-1"), /line 2: pixel_size_um must be/);
  }));
