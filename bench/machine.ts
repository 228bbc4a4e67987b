/** What every benchmark prints first, and how it times. */
import { cpus, totalmem } from "node:os";

/** The machine in one line: processor, cores, memory, Deno. */
export function machine(): string {
  const cores = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${
    cores[0]?.model.trim() ?? "unknown processor"
  }, ${navigator.hardwareConcurrency} cores, ` +
    `${gigabytes} GiB, ${Deno.build.os} ${Deno.build.arch}, Deno ${Deno.version.deno}`;
}

/** Prints {@link machine}: the first line of every benchmark. */
export function printMachine(): void {
  console.log(`${machine()}\n`);
}

/** The middle of `values` (the mean of the middle two). */
export function median(values: readonly number[]): number {
  if (!values.length) throw new RangeError("the median of no values");
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * Median milliseconds of `run`, after one run that does not count.
 *
 * @param repeats runs that count; at least 1
 */
export async function time(run: () => unknown, repeats = 5): Promise<number> {
  await run();
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return median(times);
}

/** Prints rows of text in aligned columns; the first row is the head. */
export function printTable(rows: readonly (readonly (string | number)[])[]): void {
  const cells = rows.map((row) => row.map(String));
  const widths = cells[0].map((_, c) => Math.max(...cells.map((row) => row[c]?.length ?? 0)));
  cells.forEach((row, r) => {
    console.log(
      row.map((cell, c) => c ? cell.padStart(widths[c]) : cell.padEnd(widths[c])).join("  "),
    );
    if (r === 0) console.log(widths.map((w) => "-".repeat(w)).join("  "));
  });
}

/** The highest resident memory of this process so far in MiB (Linux; elsewhere the present one). */
export function peakMegabytes(): number {
  try {
    const status = Deno.readTextFileSync("/proc/self/status");
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024);
  } catch {
    return Math.round(Deno.memoryUsage().rss / 2 ** 20);
  }
}
