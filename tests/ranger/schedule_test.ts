import assert from "node:assert/strict";
import { createSchedule } from "../../lib/ranger/schedule.ts";

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} instead of ${expected}`);

Deno.test("the one-cycle schedule equals torch.optim.lr_scheduler.OneCycleLR", () => {
  // OneCycleLR(SGD(lr), max_lr=0.1, total_steps=10): lr before each of the ten steps (torch 2.13).
  const torch = [
    0.0040000000000000036,
    0.052000000000000005,
    0.1,
    0.09504846320134738,
    0.0811745653949763,
    0.06112620219362893,
    0.03887419780637107,
    0.0188258346050237,
    0.004951936798652629,
    4e-07,
  ];
  const schedule = createSchedule({ kind: "one-cycle" }, 0.1, 10);
  torch.forEach((rate, step) => near(schedule(step), rate));
  near(schedule(99), torch[9]);
});

Deno.test("the cosine schedule warms up linearly and falls to its floor", () => {
  const schedule = createSchedule({ kind: "cosine", warmup: 0.2, floor: 0.1 }, 1, 10);
  near(schedule(0), 0.5);
  near(schedule(1), 1);
  near(schedule(2), 1);
  near(schedule(6), 0.55);
  near(schedule(10), 0.1);
  near(schedule(50), 0.1);
});

Deno.test("the flat-cosine schedule stays at its peak and ends just above 0, as fastai's", () => {
  const schedule = createSchedule({ kind: "flat-cosine", flat: 0.6 }, 1, 10);
  [0, 3, 5].forEach((step) => near(schedule(step), 1));
  near(schedule(6), (1 + Math.cos(Math.PI / 5)) / 2);
  near(schedule(9), (1 + Math.cos(4 * Math.PI / 5)) / 2);
  assert.ok(schedule(9) > 0);
  near(schedule(20), 0);
});

Deno.test("the constant schedule is constant", () => {
  const schedule = createSchedule({ kind: "constant" }, 3e-3, 7);
  assert.deepEqual([0, 3, 100].map(schedule), [3e-3, 3e-3, 3e-3]);
});

Deno.test("schedules of one step, and settings out of range", () => {
  near(createSchedule({ kind: "one-cycle" }, 1, 1)(0), 1);
  near(createSchedule({ kind: "cosine", warmup: 0 }, 1, 1)(0), 1);
  assert.throws(() => createSchedule({ kind: "constant" }, -1, 5), /positive number, got -1/);
  assert.throws(() => createSchedule({ kind: "constant" }, 1, 0), /number of steps, got 0/);
  assert.throws(
    () => createSchedule({ kind: "cosine", warmup: 2 }, 1, 5),
    /cosine schedule: warmup must be in \[0, 1\], got 2/,
  );
  assert.throws(() => createSchedule({ kind: "step" } as never, 1, 5), /unknown schedule "step"/);
});
