/**
 * Drawings of the teacher per second: `deno run -A bench/synthetic.ts`.
 *
 * One thread at three pixel sizes (coarser pixels show more glands and cells), then the stream with
 * two threads while this one only takes.
 */
import { drawTeaching, teachingStream } from "crypts/synthetic";
import { median, printMachine, printTable } from "./machine.ts";

const SIDE = 512, DRAWINGS = 12;

printMachine();
const rows: (string | number)[][] = [["512 px a side", "median ms", "slowest ms"]];
for (const pixelSize of [0.5, 1.24, 2]) {
  drawTeaching(1, 0, { side: SIDE, pixelSize });
  const times = Array.from({ length: DRAWINGS }, (_, index) => {
    const start = performance.now();
    drawTeaching(1, index, { side: SIDE, pixelSize });
    return performance.now() - start;
  });
  rows.push([
    `${pixelSize} µm per pixel`,
    median(times).toFixed(0),
    Math.max(...times).toFixed(0),
  ]);
}
printTable(rows);

let count = 0, start = 0;
for await (const _ of teachingStream(1, { side: SIDE, workers: 2, ahead: 6 })) {
  // The first samples wait for the threads to start and to warm up.
  if (count === 6) start = performance.now();
  if (count++ === 6 + 2 * DRAWINGS) break;
}
const seconds = (performance.now() - start) / 1000;
console.log(
  `\ntwo threads, 0.5 to 2 µm: ${(2 * DRAWINGS / seconds).toFixed(1)} drawings per second`,
);
