/** What everything stands on: random numbers, folds, files that are whole or absent. */
export { exists, writeWhole, writeWith } from "./files.ts";
export { kFold } from "./kfold.ts";
export { createRandom, type Random } from "./random.ts";
export { PROJECT_ROOT } from "./project.ts";
