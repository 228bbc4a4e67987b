/** The built-in data set: seeded, H&E-like colon mucosa. */
export { ensureBuiltIn, generateDataset, type GenerateOptions } from "./generate.ts";
