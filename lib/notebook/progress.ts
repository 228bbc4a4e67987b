/** One progress bar that updates in place, in a notebook or in a terminal. */
import { broadcastDisplay, inNotebook } from "./display.ts";

/** A running progress bar, see {@link createProgress}. */
export interface Progress {
  /** Says what was done before this run: it counts as done, and not for the rate. */
  begin(done: number): void;
  /** Shows `done` of the total; `note` (a loss, a file name) stands at the end of the line. */
  update(done: number, note?: string): void;
  /**
   * Ends the bar with a line that holds no times, so that a saved notebook does not churn.
   * Await it: what is shown after a cell has ended is lost.
   */
  finish(note?: string): Promise<void>;
}

/** Where a bar is drawn and how it knows the time; the defaults suit notebook and terminal. */
export interface ProgressOptions {
  /** What is counted, e.g. `"tile"`; default `"step"`. */
  unit?: string;
  /** Milliseconds between two redraws; default 200. */
  interval?: number;
  /** The clock in milliseconds; tests pass their own. */
  now?: () => number;
  /** Receives each line; default: the notebook's output or standard error. */
  write?: (line: string, final: boolean) => void | Promise<void>;
}

/**
 * Starts a progress bar with rate and time left.
 *
 * @param label what is done, e.g. `"fold 1 of 5"`
 * @param total number of units; the bar is full there
 * @throws {RangeError} when `total` is negative or not finite
 */
export function createProgress(
  label: string,
  total: number,
  options: ProgressOptions = {},
): Progress {
  if (!(Number.isFinite(total) && total >= 0)) {
    throw new RangeError(`total must be a finite number >= 0, got ${total}`);
  }
  const { unit = "step", interval = 200, now = () => performance.now() } = options;
  const write = options.write ?? (inNotebook() ? notebookWriter() : terminalWriter());
  let start = now();
  let before = 0;
  let drawn = -Infinity;
  let last = 0;
  return {
    begin(done) {
      [before, last, start] = [done, done, now()];
    },
    update(done, note = "") {
      last = done;
      const time = now();
      if (time - drawn < interval && done < total) return;
      drawn = time;
      const seconds = (time - start) / 1000;
      write(progressLine({ label, done, total, unit, seconds, note, before }), false);
    },
    finish(note = "") {
      const end = note ? ` · ${note}` : "";
      return Promise.resolve(
        write(`${label}: ${last} of ${total} ${plural(unit, total)}${end}`, true),
      );
    },
  };
}

/** The text of a bar: `label ━━━━──── 5/20 tiles · 2.5 tiles/s · 6 s left · note`. */
export function progressLine(
  state: {
    label: string;
    done: number;
    total: number;
    unit: string;
    seconds: number;
    note?: string;
    /** What was done before the seconds began; default 0. */
    before?: number;
  },
): string {
  const { label, done, total, unit, seconds, note, before = 0 } = state;
  const cells = total > 0 ? Math.min(24, Math.round((24 * done) / total)) : 24;
  const bar = "━".repeat(cells) + "─".repeat(24 - cells);
  const count = Number.isInteger(done) ? done : done.toFixed(1);
  const parts = [`${label} ${bar} ${count}/${total} ${plural(unit, total)}`];
  if (done > before && seconds > 0) {
    const rate = (done - before) / seconds;
    parts.push(
      rate >= 1 ? `${rate.toFixed(1)} ${plural(unit, 2)}/s` : `${(1 / rate).toFixed(1)} s/${unit}`,
    );
    if (done < total) parts.push(`${formatSeconds((total - done) / rate)} left`);
  }
  if (note) parts.push(note);
  return parts.join(" · ");
}

/** Seconds as people read them: `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatSeconds(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

function plural(unit: string, count: number): string {
  return count === 1 ? unit : unit.endsWith("tch") ? `${unit}es` : `${unit}s`;
}

function notebookWriter(): (line: string) => Promise<void> {
  const id = `progress-${crypto.randomUUID()}`;
  let shown = false;
  // Broadcasts are chained: an update that overtakes its display would be lost.
  let chain: Promise<void> = Promise.resolve();
  return (line) => {
    const first = !shown;
    shown = true;
    chain = chain.then(() => broadcastDisplay({ "text/plain": line }, id, first));
    return chain;
  };
}

function terminalWriter(): (line: string, final: boolean) => void {
  const encoder = new TextEncoder();
  const terminal = Deno.stderr.isTerminal();
  let tenth = -1;
  return (line, final) => {
    if (terminal) {
      Deno.stderr.writeSync(encoder.encode(`\r\x1b[2K${line}${final ? "\n" : ""}`));
      return;
    }
    // A log file gets a line for each tenth of the bar instead of hundreds of redraws.
    const cells = line.split("━").length - 1;
    const now = Math.floor(cells / 2.4);
    if (final || now !== tenth) Deno.stderr.writeSync(encoder.encode(`${line}\n`));
    tenth = now;
  };
}
