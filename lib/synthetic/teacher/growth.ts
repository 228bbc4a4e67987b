/** What grows in one sample. */
import type { Features } from "./features.ts";

/** Which growth a gland belongs to. */
export type Growth = "normal" | "hyperplasia" | "adenoma" | "carcinoma";

/** The growth of one sample. */
export function growthOf(features: Features): Growth {
  if (features.carcinoma > 0) return "carcinoma";
  if (features.adenoma > 0) return "adenoma";
  return features.serration > 0 ? "hyperplasia" : "normal";
}
