import assert from "node:assert/strict";
import { createTrainingBar } from "../../lib/notebook/training_bar.ts";

const step = {
  ...{ fold: 1, epoch: 2, epochs: 4, step: 5, steps: 10, loss: 0.5, dice: 0, learningRate: 1 },
  ...{ samplesPerSecond: 8, waitingShare: 0.25 },
};
const epochs = Array.from({ length: 4 }, (_, i) => ({
  ...{ fold: 0, epoch: i + 1, trainLoss: 1, trainDice: 1 },
  ...{ validLoss: 1, validDice: 1, validCryptDice: 1 },
}));

function recorded() {
  const lines: string[] = [], clock = { time: 0 };
  const write = (line: string) => void lines.push(line);
  const bar = createTrainingBar({ folds: [0, 1], epochs: 4 }, { now: () => clock.time, write });
  return { bar, lines, clock };
}

Deno.test("a training that goes on in its sixth epoch claims no rate for the five before", async () => {
  const { bar, lines, clock } = recorded();
  clock.time = 1000;
  bar.onStep(step);
  clock.time = 3000;
  bar.onStep({ ...step, step: 10 });
  assert.match(lines[0], / 5\.5\/8 epochs · fold 1 · loss 0\.500 · 8\.0 patches\/s, 25% of the/);
  assert.match(lines[1], / 6\/8 epochs · 2\.0 s\/epoch · 4 s left /);
  await bar.finish([{ epochs, ended: "epochs" }, { epochs, ended: "epochs" }]);
  assert.equal(lines[2], "Training: 8 of 8 epochs");
});

Deno.test("a training that was finished before says so, early ends are named", async () => {
  const { bar, lines } = recorded();
  await bar.finish([{ epochs, ended: "epochs" }, { epochs: epochs.slice(1), ended: "patience" }]);
  assert.equal(
    lines[0],
    "Training: 7 of 8 epochs · finished before: 7 of 8 epochs, 1 of 2 folds stopped early",
  );
});
