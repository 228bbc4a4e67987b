/** What a teaching sample may show: every feature a named number with a range and a plain value. */
import type { Random } from "../../base/mod.ts";

/** Features are switched on and off in these groups; {@link FEATURE_SOURCES} has their sources. */
export const FEATURE_GROUPS = [
  "stain",
  "camera",
  "damage",
  "neighbours",
  "crypts",
  "hyperplasia",
  "adenoma",
  "carcinoma",
] as const;

/** One of {@link FEATURE_GROUPS}. */
export type FeatureGroup = typeof FEATURE_GROUPS[number];

/** Where the features of each group are described. */
export const FEATURE_SOURCES: Readonly<Record<FeatureGroup, string>> = {
  stain:
    "Absorption of the pure stains: Ruifrok and Johnston (2001); spread between laboratories: " +
    "Macenko et al. (2009), Tellez et al. (2019); over-staining, fading, thickness: Suvarna et al. (2018).",
  camera: "Colour, focus, sharpening and compression of slide scanners: Zarella et al. (2019); " +
    "JPEG: ITU-T T.81.",
  damage: "Shrinkage, tears, folds, bubbles, floaters: Taqi et al. (2018); pen marks: " +
    "Janowczyk et al. (2019).",
  neighbours: "Layers of the wall and their cells: Mills (2019), chapter Colon; ulcers and " +
    "inflammation: Langner et al. (2014).",
  crypts: "Test-tube crypts, goblet cells, basal nuclei: Mills (2019), chapter Colon; branched, " +
    "dilated, shortened and sparse crypts: Langner et al. (2014).",
  hyperplasia: "Saw-tooth lumens of hyperplastic polyps: Snover (2011).",
  adenoma: "Crowded, elongated glands with dark, stratified, pencil-shaped nuclei: WHO (2019), " +
    "Fleming et al. (2012).",
  carcinoma: "Irregular, fused and cribriform glands, necrosis in lumens, desmoplastic stroma, " +
    "mucin pools, single cells: WHO (2019), Fleming et al. (2012).",
};

/** How a feature is drawn. */
export interface Feature {
  group: FeatureGroup;
  low: number;
  high: number;
  /** The value where the group is off. */
  plain: number;
  /** `log`: uniform in the logarithm; `rare`: `plain` in all but the share `odds` of samples. */
  scale?: "log";
  odds?: number;
  /** Unit and meaning. */
  about: string;
}

const f = (
  group: FeatureGroup,
  low: number,
  high: number,
  plain: number,
  about: string,
  more: { scale?: "log"; odds?: number } = {},
): Feature => ({ group, low, high, plain, about, ...more });

/** All features in the order in which they are drawn. */
export const FEATURES = {
  haematoxylinStrength: f("stain", 0.55, 1.75, 1, "times the usual haematoxylin", { scale: "log" }),
  eosinStrength: f("stain", 0.5, 1.9, 1, "times the usual eosin", { scale: "log" }),
  haematoxylinHue: f("stain", -1, 1, 0, "-1 blue, 1 purple to brown"),
  eosinHue: f("stain", -1, 1, 0, "-1 orange red, 1 magenta"),
  overstain: f("stain", 0, 0.14, 0.02, "haematoxylin left in everything, optical density"),
  nuclearContrast: f("stain", 0.5, 1.25, 1, "nuclei against cytoplasm: fading lowers it"),
  thickness: f("stain", 0.75, 1.35, 1, "section thickness over the usual 4 µm", { scale: "log" }),
  unevenness: f("stain", 0.02, 0.35, 0.1, "change of the thickness over the field"),

  whiteRed: f("camera", 0.93, 1, 0.98, "red of empty glass"),
  whiteGreen: f("camera", 0.91, 1, 0.97, "green of empty glass"),
  whiteBlue: f("camera", 0.92, 1, 0.98, "blue of empty glass"),
  gamma: f("camera", 0.75, 1.3, 1, "exponent of the transfer curve", { scale: "log" }),
  saturation: f("camera", 0.75, 1.3, 1, "distance from grey", { scale: "log" }),
  blur: f("camera", 0.3, 1.3, 0.5, "standard deviation of the lens in µm", { scale: "log" }),
  defocus: f("camera", 1, 4, 0, "µm of further blur where the field is out of focus", {
    odds: 0.25,
  }),
  sharpening: f("camera", 0.2, 1.6, 0, "gain of the scanner's unsharp mask", { odds: 0.5 }),
  noise: f("camera", 0.5, 7, 2, "standard deviation in grey levels", { scale: "log" }),
  jpeg: f("camera", 35, 95, 88, "quality of the compression"),
  vignette: f("camera", 0, 0.12, 0.02, "loss of light towards the corners"),

  cleft: f("damage", 2, 16, 1, "width of the gap round shrunken glands, µm", { odds: 0.55 }),
  cleftShare: f("damage", 0.1, 0.9, 0.15, "share of outlines that have it"),
  oedema: f("damage", 0, 1.3, 0.5, "gaps between the fibres of the stroma"),
  tears: f("damage", 1, 4, 0, "cracks through the section", { odds: 0.25 }),
  folds: f("damage", 1, 2.5, 0, "doubled strips of tissue", { odds: 0.08 }),
  bubbles: f("damage", 1, 3, 0, "air under the cover slip", { odds: 0.05 }),
  pen: f("damage", 1, 1.9, 0, "strokes of a marker pen", { odds: 0.05 }),
  debris: f("damage", 1, 25, 0, "stray cells and dust per mm² of glass and lumen", { odds: 0.5 }),

  glass: f("neighbours", 0.05, 0.55, 0, "share of the field that is empty glass", { odds: 0.4 }),
  muscle: f("neighbours", 0.35, 0.9, 0, "where the muscularis mucosae begins, share of the field", {
    odds: 0.3,
  }),
  fat: f("neighbours", 0.2, 0.6, 0, "share of fat below the mucosa", { odds: 0.3 }),
  lymphoid: f("neighbours", 1, 6, 0, "lymphoid follicles per mm²", { odds: 0.2 }),
  vessels: f("neighbours", 2, 25, 4, "vessels per mm²"),
  blood: f("neighbours", 0.1, 1, 0, "red cells in the stroma", { odds: 0.5 }),
  ulcer: f("neighbours", 0.1, 0.35, 0, "share of the field that is necrotic", { odds: 0.1 }),
  fibres: f("neighbours", 0, 1, 0.3, "0 loose lamina propria, 1 dense fibrous stroma"),
  cellularity: f("neighbours", 0.1, 1, 0.6, "how densely the stroma is set with cells"),
  plasma: f("neighbours", 0, 1, 0.5, "share of plasma cells among round cells"),

  radius: f("crypts", 27, 62, 38, "half the width of a crypt, µm", { scale: "log" }),
  radiusSpread: f("crypts", 0.05, 0.4, 0.15, "standard deviation of it, as a share"),
  stretch: f("crypts", 1, 2.6, 1.2, "length over width of a section", { scale: "log" }),
  spacing: f("crypts", -4, 28, 10, "µm between neighbours; at 0 and below they touch"),
  sparse: f("crypts", 0.2, 0.8, 0, "share of the field in which no gland grows", { odds: 0.3 }),
  along: f("crypts", 1, 1, 0, "crypts cut along their axis, side by side", { odds: 0.35 }),
  mouths: f("crypts", 0.2, 1, 0, "share of crypts below the surface that open to it", {
    odds: 0.75,
  }),
  roughness: f("crypts", 0, 1, 0.25, "how far outlines stray from smooth"),
  branching: f("crypts", 0, 0.35, 0, "share of crypts that branch"),
  epithelium: f("crypts", 17, 36, 24, "height of the epithelium, µm"),
  goblets: f("crypts", 0.05, 1.2, 0.85, "share of cells that are goblet cells"),
  gobletSize: f("crypts", 3.2, 6.4, 4.4, "half the width of a goblet cell, µm"),
  mucin: f("crypts", 0, 1, 0.3, "how strongly mucin takes the stain"),
  foam: f("crypts", 0, 0.5, 0.15, "share of sections along the wall: goblet cells all over"),
  caps: f("crypts", 0, 0.35, 0.07, "share of sections through the wall: nuclei all over"),
  lumen: f("crypts", 0.55, 1.35, 0.9, "1 usual, below slit or closed, above dilated", {
    scale: "log",
  }),
  secretion: f("crypts", 0, 1, 0.3, "how full lumens are"),
  nucleus: f("crypts", 0.8, 1.3, 1, "size of nuclei over the usual", { scale: "log" }),
  cytoplasm: f("crypts", 0.55, 2.1, 1, "eosin of the cytoplasm over the usual", { scale: "log" }),
  basophilia: f("crypts", 0.03, 0.36, 0.14, "haematoxylin of the cytoplasm, optical density"),
  washedOut: f("crypts", 0, 0.4, 0, "share of glands with few, faint nuclei", { odds: 0.5 }),
  stratified: f("crypts", 0, 0.35, 0.1, "share of the height over which nuclei spread"),

  serration: f("hyperplasia", 0.3, 1, 0, "saw teeth of the lumen", { odds: 0.12 }),

  adenoma: f("adenoma", 0.4, 1, 0, "grade: crowding, elongation, dark stratified nuclei", {
    odds: 0.24,
  }),

  carcinoma: f("carcinoma", 0.3, 1, 0, "grade: irregular, fused, cribriform glands", {
    odds: 0.42,
  }),
  cribriform: f("carcinoma", 0, 1, 0, "how often a gland holds several lumens"),
  necrosis: f("carcinoma", 0, 1, 0, "how often lumens are full of dead cells"),
  vesicular: f("carcinoma", 0, 1, 0.2, "0 dense dark nuclei, 1 pale ones with a rim"),
  nuclearSpacing: f(
    "carcinoma",
    1.5,
    2.9,
    1.75,
    "distance of tumour nuclei over their half width",
    {
      scale: "log",
    },
  ),
  singleCells: f("carcinoma", 0, 1, 0, "tumour cells strewn in the stroma"),
  slits: f("carcinoma", 0, 1, 0.3, "how often the lumen of a tumour gland is a crack"),
  fusion: f("carcinoma", 0, 1, 0, "0 tubes side by side, 1 a network of fused glands"),
} as const satisfies Record<string, Feature>;

/** The name of a feature. */
export type FeatureName = keyof typeof FEATURES;

/** The values of all features of one sample. */
export type Features = Record<FeatureName, number>;

/**
 * Draws every feature within its range; those of groups that are not in `groups` get their plain
 * value, those in `fixed` the value given. A feature's draw does not depend on which groups are on.
 *
 * @throws {RangeError} for an unknown group or feature, or a fixed value that is no finite number
 */
export function drawFeatures(
  random: Random,
  groups: readonly FeatureGroup[] = FEATURE_GROUPS,
  fixed: Partial<Features> = {},
): Features {
  for (const group of groups) {
    if (!FEATURE_GROUPS.includes(group)) {
      throw new RangeError(`groups must be among ${FEATURE_GROUPS.join(", ")}, got ${group}`);
    }
  }
  for (const [name, value] of Object.entries(fixed)) {
    if (!Object.hasOwn(FEATURES, name)) throw new RangeError(`no feature is named ${name}`);
    if (!Number.isFinite(value)) throw new RangeError(`${name} must be a number, got ${value}`);
  }
  const out = {} as Features;
  for (const name of Object.keys(FEATURES) as FeatureName[]) {
    const feature: Feature = FEATURES[name];
    const { low, high, plain } = feature;
    const own = random.fork(name);
    const there = own.next() < (feature.odds ?? 1);
    const drawn = feature.scale === "log"
      ? Math.exp(own.uniform(Math.log(low), Math.log(high)))
      : low + (high - low) * own.next();
    out[name] = fixed[name] ?? (groups.includes(feature.group) && there ? drawn : plain);
  }
  return out;
}
