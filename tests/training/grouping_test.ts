import assert from "node:assert/strict";
import { openDataset } from "../../lib/dataset/dataset.ts";
import { splitFolds } from "../../lib/training/folds.ts";
import { chooseGrouping, type GroupBy } from "../../lib/training/grouping.ts";
import { sharedPath, sharedTest } from "../support/shared.ts";

const image = (id: string, donor: string | null, grade: string | null = null) => ({
  id,
  donor,
  grade,
});

Deno.test("auto groups by patient where each image has one and they suffice, else by image and says why", () => {
  const known = [image("a", "1"), image("b", "1"), image("c", "2"), image("d", "3")];
  assert.equal(chooseGrouping("auto", known, 3).by, "patient");
  assert.equal(chooseGrouping("auto", known, 3).line, "3 folds of 3 patients (4 images)");
  const few = chooseGrouping("auto", known, 4);
  assert.equal(few.line, "4 folds of 4 images (there are 3 patients for 4 folds)");
  assert.equal(few.groupOf, undefined);
  const gap = chooseGrouping("auto", [...known, image("e", null), image("f", null)], 3);
  assert.match(gap.line, /names no patient of e and 1 more/);
  const none = [image("e", null), image("f", null)];
  const unknown = chooseGrouping("auto", none, 2);
  assert.match(unknown.line, /2 folds of 2 images \(no image's patient is known; .*patient_number/);
  assert.throws(
    () => chooseGrouping("patient", none, 2),
    /not possible: no image's patient is known; .* table; complete the table, or split by "image"$/,
  );
  assert.equal(chooseGrouping("image", known, 3).line, "3 folds of 4 images");
  assert.throws(
    () => chooseGrouping("patient", known, 4),
    /folds by patient are not possible: there are 3 patients for 4 folds; choose at most 3 folds/,
  );
  assert.throws(
    () => chooseGrouping("donor" as GroupBy, known, 3),
    /groupBy must be one of auto, patient, image, got "donor"/,
  );
});

sharedTest(
  "GlaS by patient: the five folds of scikit-learn's StratifiedGroupKFold, no patient in two",
  async () => {
    const { train } = await openDataset(sharedPath("glas85"));
    const { groupOf, stratumOf } = chooseGrouping("auto", train, 5);
    const patches = train.map(({ id }) => ({
      imagePath: id,
      maskPath: id,
      crypt: true,
      image: id,
    }));
    const folds = splitFolds(patches, 5, { groupOf, stratumOf });
    const patients = folds.map((fold) => [...new Set(fold.validationImages.map(groupOf!))].sort());
    assert.deepEqual(patients.map((p) => p.join(" ")).sort(), [
      "1 13 3",
      "10 14 8",
      "11 15 4 7",
      "16 6 9",
      "2 5",
    ]);
    for (const fold of folds) {
      const trained = new Set(fold.train.map((p) => groupOf!(p.image)));
      assert.ok(fold.validationImages.every((id) => !trained.has(groupOf!(id))));
    }
  },
);
