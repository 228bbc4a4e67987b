import assert from "node:assert/strict";
import { stratifiedGroupKFold } from "../../lib/base/stratified_group_kfold.ts";

Deno.test("groups are put into folds as scikit-learn 1.x's StratifiedGroupKFold(4) puts them", () => {
  const groups = [..."dicfhbaheiddhiihgcdcigabcaeaehggghcfbach"];
  const classes = [..."xyzyzyyzyzyzzyzxyzxyzzzxzyzzzxzzxzzyyxxy"];
  const foldOf = stratifiedGroupKFold(groups, classes, 4);
  const folds = [0, 1, 2, 3].map((f) =>
    [...foldOf].filter(([, fold]) => fold === f).map(([group]) => group).sort().join("")
  );
  assert.deepEqual(folds.sort(), ["ah", "bi", "cde", "fg"]);
});

Deno.test("more folds than groups, one fold, and lists that do not fit are refused", () => {
  assert.throws(
    () => stratifiedGroupKFold(["a", "b"], ["x", "y"], 3),
    /folds must be in 2..2 for 2 groups, got 3/,
  );
  assert.throws(() => stratifiedGroupKFold(["a", "b"], ["x", "y"], 1), /in 2..2/);
  assert.throws(() => stratifiedGroupKFold(["a"], [], 2), /1 groups do not fit 0 classes/);
});
