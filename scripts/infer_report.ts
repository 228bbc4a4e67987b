/** What `deno task infer` says of its work: models, progress, results, warnings and failures. */
import { basename, join } from "node:path";
import {
  assumptions,
  type BatchImage,
  type BatchOptions,
  type BatchState,
  collectBatch,
  type Ensemble,
  leftoverIds,
} from "crypts/inference";
import { createProgress, formatSeconds } from "crypts/notebook";
import type { InferCommand } from "./infer_options.ts";
import { stoppable } from "./infer_stop.ts";

export const counted = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;

/** One bar over all images; its unit is the image, its note the tile. */
export async function withProgress(
  images: readonly BatchImage[],
  work: (hooks: Pick<BatchOptions, "onTile" | "onImage" | "onSizing" | "signal">) => Promise<
    BatchState[]
  >,
): Promise<BatchState[]> {
  const bar = createProgress("segmenting", images.length, { unit: "image" });
  let sized = false, warned = false;
  try {
    return await stoppable((signal) =>
      work({
        signal,
        // The first image stands for all, the first guess for all guesses: results have a warning.
        onSizing: (line, guessed) => {
          if (!sized || (guessed && !warned)) console.error(`\n${line}`);
          sized = true;
          warned ||= guessed;
        },
        onTile: (done, total, image, i) => {
          bar.update(Number((i + done / total).toFixed(2)), `${image.id} tile ${done}/${total}`);
        },
        onImage: (state, i) => {
          const what = state.skipped ? "already done" : state.status;
          bar.update(i + 1, `${state.id} ${what}`);
        },
      })
    );
  } finally {
    await bar.finish();
  }
}

/**
 * Writes the tables and tells what they hold.
 *
 * @param collected whether the results are of other runs
 * @returns the exit code
 */
export async function report(
  outDir: string,
  states: readonly BatchState[],
  images: readonly BatchImage[],
  collected = false,
): Promise<number> {
  const files = await collectBatch(outDir, states);
  if (files.length > 0) console.log(files.map((file) => join(outDir, file)).join("\n"));
  tellUnscored(states);
  const left = await leftoverIds(outDir, images);
  if (left.length > 0) {
    const ids = left.slice(0, 5).join(", "), more = left.length > 5 ? ", …" : "";
    const what = `${counted(left.length, "image")} that ${left.length === 1 ? "is" : "are"}`;
    console.error(
      `${outDir} still holds results of ${what} not among the images given (${ids}${more}): ` +
        "the tables leave them out, their files stay",
    );
  }
  return listFailures(states, images.length, collected);
}

/** Which images the scores leave out, where they have some. */
function tellUnscored(states: readonly BatchState[]): void {
  const done = states.filter(({ status }) => status === "done");
  const without = done.filter(({ scores }) => !scores).map(({ id }) => id);
  if (without.length === 0 || without.length === done.length) return;
  const ids = without.slice(0, MOST_IDS).join(", "), more = without.length > MOST_IDS ? ", …" : "";
  console.error(
    `scores.csv and its average are of ${done.length - without.length} of ${done.length} images: ` +
      `no mask for ${ids}${more}`,
  );
}

/** Warnings that are told on the terminal, and ids that are named of each; summary.csv has all. */
const MOST_WARNINGS = 20, MOST_IDS = 5;

/** Which images need a look, those of one warning together. */
function tellWarnings(states: readonly BatchState[]): void {
  const groups = new Map<string, string[]>();
  for (const { id, status, result } of states) {
    const warning = status === "done" ? result?.trust.warning : null;
    if (warning) groups.set(warning, [...groups.get(warning) ?? [], id]);
  }
  for (const [warning, ids] of [...groups].slice(0, MOST_WARNINGS)) {
    const more = ids.length > MOST_IDS ? ` and ${ids.length - MOST_IDS} more` : "";
    console.error(`look at ${ids.slice(0, MOST_IDS).join(", ")}${more}: ${warning}`);
  }
  const rest = groups.size - MOST_WARNINGS;
  if (rest > 0) console.error(`${rest} more warnings: see the column warning of summary.csv`);
}

/** Tells what is done, unsure, failed and missing. @returns the exit code */
export function listFailures(
  states: readonly BatchState[],
  images: number,
  collected = false,
): number {
  const failed = states.filter((s) => s.status === "failed");
  const done = states.length - failed.length;
  const seconds = states.reduce((sum, s) => sum + (s.skipped ? 0 : s.seconds), 0);
  const before = states.filter((s) => s.skipped).length;
  const times = before === states.length ? [] : [formatSeconds(seconds)];
  const how = [...(before > 0 ? [`${before} before`] : []), ...times].join(", ");
  console.error(
    collected
      ? `${done} of ${images} images have a result`
      : `${done} of ${images} images done (${how})`,
  );
  tellWarnings(states);
  for (const { id, message } of failed) console.error(`failed: ${id}: ${message}`);
  const missing = images - states.length;
  if (missing > 0) {
    console.error(`${counted(missing, "image")} without a result yet: run without --collect`);
  }
  return failed.length > 0 || missing > 0 ? 1 : 0;
}

/** Which models, which engine, and how far they can be trusted. */
export function describe(
  command: InferCommand,
  ensemble: Ensemble,
  paths: readonly string[],
  images: number,
  options: BatchOptions,
): void {
  const { predictors, pixelSize, about } = ensemble;
  const bundled = command.models.length === 0;
  const names = paths.map((path) => basename(path)).join(", ");
  console.error(
    `${bundled ? "the bundled model" : counted(paths.length, "model")} (${names}) by ` +
      `${predictors[0].engine}, trained at ${
        pixelSize === null ? "unknown" : pixelSize
      } µm per pixel`,
  );
  for (const line of about) console.error(`  ${line}`);
  if (bundled && about.length === 0) {
    console.error("  for research and teaching, not for diagnosis; see models/README.md");
  }
  const assumed = assumptions(ensemble, { ...command.settings, tile: command.tile }, options);
  if (assumed !== null) console.error(`  ${assumed}`);
  const size = options.scale !== undefined
    ? `scale ${options.scale}`
    : pixelSize !== null
    ? `${pixelSize} µm per pixel (scale ${options.modelScale ?? 1} where theirs is unknown)`
    : `scale ${options.modelScale ?? 1}`;
  console.error(
    `${
      counted(images, "image")
    } to ${command.out}: tiles of ${options.tile} px at ${size}, ${options.mode}, ` +
      `TTA ${options.tta}; crypt above ${options.threshold}, ` +
      `mean at least ${options.crypts?.minProbability ?? 0}`,
  );
}
