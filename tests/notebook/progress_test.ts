import assert from "node:assert/strict";
import { createProgress, formatSeconds, progressLine } from "../../lib/notebook/progress.ts";

Deno.test("a progress line shows share, rate and time left", () => {
  const line = progressLine({ label: "Tiles", done: 5, total: 20, unit: "tile", seconds: 2 });
  assert.equal(line, `Tiles ${"━".repeat(6)}${"─".repeat(18)} 5/20 tiles · 2.5 tiles/s · 6 s left`);
});

Deno.test("a slow unit is shown in seconds a unit, a full bar without time left", () => {
  const slow = progressLine({ label: "A", done: 1, total: 3, unit: "epoch", seconds: 90 });
  assert.match(slow, /90\.0 s\/epoch · 3 min 0 s left$/);
  const full = progressLine({ label: "A", done: 3, total: 3, unit: "patch", seconds: 1 });
  assert.match(full, /━{24} 3\/3 patches · 3\.0 patches\/s$/);
});

Deno.test("progress redraws at most once an interval and ends without times", async () => {
  let time = 0;
  const lines: [string, boolean][] = [];
  const bar = createProgress("Images", 10, {
    unit: "image",
    interval: 100,
    now: () => time,
    write: (line, final) => void lines.push([line, final]),
  });
  for (let done = 1; done <= 10; done++) {
    time += 30;
    bar.update(done);
  }
  await bar.finish("all well");
  assert.equal(lines.length, 1 + 2 + 1 + 1, "first, two intervals, the full bar, the end");
  assert.deepEqual(lines.at(-1), ["Images: 10 of 10 images · all well", true]);
});

Deno.test("what an earlier run has done counts as done, but not for the rate", () => {
  let time = 0;
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const bar = createProgress("Training", 10, { unit: "epoch", now: () => time, write });
  time = 5000;
  bar.begin(8);
  time = 7000;
  bar.update(8.5);
  assert.match(lines[0], / 8\.5\/10 epochs · 4\.0 s\/epoch · 6 s left$/);
});

Deno.test("seconds are formatted as people read them", () => {
  assert.deepEqual([8, 200, 7500].map(formatSeconds), ["8 s", "3 min 20 s", "2 h 5 min"]);
});

Deno.test("a progress bar refuses a negative total", () => {
  assert.throws(() => createProgress("x", -1), /total must be a finite number >= 0, got -1/);
});
