import assert from "node:assert/strict";
import { editDistance, nearestName } from "../../lib/base/edit_distance.ts";

Deno.test("the edit distance is that of optimal string alignment, known values", () => {
  const cases: [string, string, number][] = [
    ...[["", "", 0], ["", "abc", 3], ["kitten", "sitting", 3]] as [string, string, number][],
    ...[["imgae", "image", 1], ["ca", "abc", 3], ["mask", "task", 1]] as [string, string, number][],
  ];
  for (const [a, b, distance] of cases) {
    assert.equal(editDistance(a, b), distance, `${a}, ${b}`);
    assert.equal(editDistance(b, a), distance, `${b}, ${a}`);
  }
});

Deno.test("the nearest name is the one that was meant, and none where all are far", () => {
  const names = ["epochs", "epochSteps", "seed", "pixelSize", "learningRate", "loss"];
  const cases: [string, string | null][] = [
    ...[["epoch", "epochs"], ["epoch-steps", "epochSteps"]] as [string, string][],
    ...[["LearningRate", "learningRate"], ["pixle_size", "pixelSize"]] as [string, string][],
    ...[["los", "loss"], ["colour", null], ["x", null], ["", null]] as [string, string | null][],
  ];
  for (const [text, meant] of cases) assert.equal(nearestName(text, names), meant, text);
});
