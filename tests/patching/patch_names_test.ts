import assert from "node:assert/strict";
import { parentImage, patchName } from "../../lib/patching/patch_names.ts";

Deno.test("names of ordinary ids are the original's", () => {
  assert.equal(patchName("HandE_B005_CL_b_RGB_topleft", 17), "HandE_B005_CL_b_RGB_topleft17.tiff");
  assert.equal(patchName("slide_", 3), "slide_3.tiff");
});

Deno.test("no two patches of any ids share a name, and each name gives its image back", () => {
  // Every id of up to four of the characters that could be mistaken for each other.
  let ids = [""];
  const all: string[] = [];
  for (let length = 1; length <= 4; length++) {
    ids = ids.flatMap((id) => [..."a_12"].map((c) => id + c));
    all.push(...ids);
  }
  const owner = new Map<string, string>();
  for (const id of all) {
    for (const index of [0, 1, 2, 12, 21, 112]) {
      const name = patchName(id, index), key = `${id} ${index}`;
      assert.equal(owner.get(name), undefined, `${name}: ${owner.get(name)} and ${key}`);
      owner.set(name, key);
      assert.equal(parentImage(`/x/${name}`), id);
    }
  }
});
