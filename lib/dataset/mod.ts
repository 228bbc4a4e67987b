/** The one typed description of a data set and how it is found. */
export {
  type Dataset,
  ensureLabels,
  ensureMask,
  type ImageRecord,
  openDataset,
} from "./dataset.ts";
export { recordInputs } from "./record_inputs.ts";
export { INFORMATION_CSV } from "./information.ts";
