/** Which images the built-in data set holds, and what each is to show. */

/** Side of a pixel in µm, as in the Colonic crypt data set (0.5 µm). */
export const PIXEL_SIZE = 0.5;

/** One tissue donor, and how the sections took the stain. */
export interface Donor {
  number: string;
  /** Optical density of a unit of each stain in red, green, blue. */
  haematoxylin: [number, number, number];
  eosin: [number, number, number];
  /** How much of each stain the section took, 1 being usual. */
  uptake: [number, number];
}

/** What one image shows. Fractions are of the image's extent along `facing`. */
export interface SlidePlan {
  id: string;
  donor: Donor;
  split: "train" | "test";
  annotated: boolean;
  /** Whether a QuPath GeoJSON lies beside the image (then no tile may be missing). */
  polygons: boolean;
  /** Direction in which the tissue goes deeper, radians (0 is to the right, clockwise). */
  facing: number;
  /** Where empty glass ends; below 0 the image holds none. */
  glass: number;
  /** Where the muscularis mucosae begins; above 1 the image holds none. */
  muscle: number;
  /** Length of a crypt's section over its width: 1 cut across, 3 cut lengthwise. */
  stretch: number;
  /** Vessels of the calibre of a crypt per mm² of mucosa. */
  vessels: number;
  /** Dense lymphoid clusters per mm². */
  lymphoid: number;
  /** Missing scanner tiles, black: [top, left, height, width] as fractions of the image. */
  missing: [number, number, number, number][];
}

const S001: Donor = {
  number: "S001",
  haematoxylin: [0.58, 0.72, 0.32],
  eosin: [0.1, 0.86, 0.24],
  uptake: [0.95, 1],
};

const S002: Donor = {
  number: "S002",
  haematoxylin: [0.54, 0.78, 0.32],
  eosin: [0.08, 0.92, 0.26],
  uptake: [0.95, 1.15],
};

/** The eight images: as in the original, both donors are in training and in test. */
export const PLANS: readonly SlidePlan[] = [
  plan("CL_HandE_S001_topleft", S001, { facing: 0.7, glass: 0.2, stretch: 1.1, polygons: true }),
  plan("CL_HandE_S001_topright", S001, { facing: 1.9, muscle: 0.74, stretch: 2.4 }),
  plan("CL_HandE_S001_bottomright", S001, {
    stretch: 1.15,
    lymphoid: 4,
    missing: [[0.74, 0.68, 0.26, 0.32]],
  }),
  plan("HandE_S002_CL_topleft", S002, { facing: -0.4, muscle: 0.62, stretch: 1.7, vessels: 8 }),
  plan("HandE_S002_CL_topright", S002, {
    facing: 2.6,
    glass: 0.1,
    stretch: 1.4,
    annotated: false,
    missing: [[0.85, 0, 0.15, 0.22]],
  }),
  plan("HandE_S002_CL_bottomright", S002, {
    facing: -2.2,
    glass: 0.17,
    stretch: 1.3,
    missing: [[0, 0, 0.16, 0.3]],
  }),
  plan("CL_HandE_S001_bottomleft", S001, {
    split: "test",
    facing: -1.2,
    glass: 0.12,
    stretch: 1.35,
  }),
  plan("HandE_S002_CL_bottomleft", S002, {
    split: "test",
    facing: 0.9,
    muscle: 0.72,
    stretch: 1.5,
    vessels: 6,
  }),
];

function plan(id: string, donor: Donor, wanted: Partial<SlidePlan>): SlidePlan {
  return {
    id,
    donor,
    split: "train",
    annotated: true,
    polygons: false,
    facing: 0,
    glass: -1,
    muscle: 2,
    stretch: 1,
    vessels: 3,
    lymphoid: 0.8,
    missing: [],
    ...wanted,
  };
}
