/** What is known of the images of a data set. */

/** One image of a data set and what is known of it. */
export interface ImageRecord {
  /** File name without extension. */
  id: string;
  split: "train" | "test";
  imagePath: string;
  /** Where the data set holds the mask; the file may not be there (see `ensureMask`). */
  maskPath: string;
  /** The encoding in the split's CSV; null when the image is not in it. */
  rle: string | null;
  /** Whether crypts are annotated: an encoding that is not `0 0`, or else polygons or a mask. */
  annotated: boolean;
  /** Patient number, where the information table has one. */
  donor: string | null;
  /** E.g. `benign` or `malignant`, where the information table has a column `grade`. */
  grade: string | null;
  /** µm per pixel, where known. */
  pixelSize: number | null;
  /** QuPath's annotations beside the image, where they are there. */
  polygonsPath: string | null;
  /** The class of these annotations that is crypt; null or absent: `Crypt` where there are several. */
  annotationClass?: string | null;
  /** Sides of the image in pixels. */
  width: number;
  height: number;
}

/** A data set; images are in the order of the CSV files, those that are not in them behind. */
export interface Dataset {
  /** The name of its folder. */
  name: string;
  root: string;
  train: ImageRecord[];
  test: ImageRecord[];
}
