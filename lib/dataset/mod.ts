/** The one typed description of a data set and how it is found. */
export {
  type Dataset,
  ensureLabels,
  ensureMask,
  type ImageRecord,
  INFORMATION_CSV,
  openDataset,
} from "./dataset.ts";
export { recordInputs } from "./record_inputs.ts";
