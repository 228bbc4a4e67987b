/** The one typed description of a data set and how it is found. */
export {
  type Dataset,
  ensureMask,
  type ImageRecord,
  INFORMATION_CSV,
  openDataset,
} from "./dataset.ts";
