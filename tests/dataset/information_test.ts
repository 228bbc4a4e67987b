import assert from "node:assert/strict";
import { collectNotices } from "../../lib/base/notices.ts";
import { INFORMATION_CSV, readInformation } from "../../lib/dataset/information.ts";
import { withFolder } from "../support/temporary.ts";

Deno.test("a column of the information table that nearly is a known one is refused by both names", () =>
  withFolder(async (root) => {
    const read = async (column: string) => {
      const text = `image_file,width_pixels,height_pixels,${column}\na,10,20,7\n`;
      await Deno.writeTextFile(`${root}/${INFORMATION_CSV}`, text);
      return await collectNotices(() => readInformation(root));
    };
    const wrong: [string, string][] = [
      ...["pixel_size", "pixel_size_µm", "Pixel size (um)", "pixle_size_um", "mpp"]
        .map((name): [string, string] => [name, "pixel_size_um"]),
      ...["patient", "Patient ID", "Patient_Number", "patient_nummer", "donor"]
        .map((name): [string, string] => [name, "patient_number"]),
      ...["Grade", "grades"].map((name): [string, string] => [name, "grade"]),
    ];
    for (const [name, meant] of wrong) {
      const message = `has the column "${name}", which is not read: is it "${meant}"?`;
      await assert.rejects(read(name), (error: Error) => error.message.includes(message), name);
    }
    assert.equal((await read("patient_number")).result.get("a")!.donor, "7");
    assert.equal((await read("pixel_size_um")).result.get("a")!.pixelSize, 7);
    // The original's other columns are no mistake.
    assert.deepEqual((await read("bmi_kg/m^2")).notices, []);
    const { notices } = await read("scanner");
    assert.equal(notices.length, 1);
    assert.match(notices[0], /information\.csv: not read: "scanner"; columns that are read are/);
  }));

Deno.test("a misspelt column that must be there is refused by the name it should have", () =>
  withFolder(async (root) => {
    await Deno.writeTextFile(`${root}/${INFORMATION_CSV}`, "image_file,width,height\na,10,20\n");
    await assert.rejects(
      readInformation(root),
      /lacks the columns "width_pixels", "height_pixels"/,
    );
    await Deno.writeTextFile(
      `${root}/${INFORMATION_CSV}`,
      "image_fiel,width_pixels,height_pixels\na,10,20\n",
    );
    await assert.rejects(readInformation(root), /column "image_fiel", .*: is it "image_file"\?/);
  }));
