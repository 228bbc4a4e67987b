/**
 * `deno run -A scripts/teaching.ts`: draws the pictures of docs/synthetic.md that show the teacher,
 * and writes the tables of its features there, from the code.
 */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { PROJECT_ROOT, writeWhole } from "crypts/base";
import {
  drawTeaching,
  type Feature,
  FEATURE_GROUPS,
  FEATURE_SOURCES,
  type FeatureGroup,
  FEATURES,
  type Features,
  type TeachingSample,
} from "crypts/synthetic";
import sharp from "sharp";

const SEED = 5, PIXEL_SIZE = 1.24, GAP = 4;
const START = "<!-- features: written by scripts/teaching.ts -->";
const END = "<!-- end of features -->";

/** What sets a group's features off that most samples do not have. */
const SHOWN: Partial<Record<FeatureGroup, Partial<Features>>> = {
  damage: { cleft: 12, tears: 2, oedema: 1 },
  hyperplasia: { serration: 0.8 },
  adenoma: { adenoma: 0.8 },
  carcinoma: { carcinoma: 0.7 },
};

/** The page of docs/synthetic.md with its tables of features made anew. */
export function withFeatures(page: string): string {
  const [before, rest] = page.split(START);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/synthetic.md lacks "${START}" or "${END}"`);
  const parts = FEATURE_GROUPS.map((group) => {
    const rows = Object.entries<Feature>(FEATURES)
      .filter(([, feature]) => feature.group === group)
      .map(([name, feature]) =>
        `| \`${name}\` | ${range(feature)} | ${feature.plain} | ${feature.about} |`
      );
    const head = ["| feature | range | otherwise | meaning |", "| --- | --- | --- | --- |"];
    return `#### ${group}\n\n${FEATURE_SOURCES[group]}\n\n${[...head, ...rows].join("\n")}`;
  });
  return `${before}${START}\n\n${parts.join("\n\n")}\n\n${END}${after}`;
}

function range({ low, high, odds }: Feature): string {
  const values = low === high ? `${low}` : `${low} to ${high}`;
  return odds === undefined ? values : `${values}, in ${Math.round(100 * odds)}%`;
}

/** The drawing, its glands outlined in green where asked for. */
function picture({ image, labels }: TeachingSample, outlined: boolean): Uint8Array {
  const data = image.data.slice();
  if (!outlined) return data;
  const { width } = labels;
  for (let i = width; i < labels.data.length; i++) {
    const own = labels.data[i];
    if (own === labels.data[i - 1] && own === labels.data[i - width]) continue;
    data.set([20, 220, 60], 3 * i);
  }
  return data;
}

async function writeSheet(
  name: string,
  [side, columns, quality]: [side: number, columns: number, quality: number],
  pictures: readonly Uint8Array[],
): Promise<void> {
  const step = side + GAP;
  const height = Math.ceil(pictures.length / columns) * step - GAP;
  await sharp({
    create: { width: columns * step - GAP, height, channels: 3, background: "white" },
  }).composite(pictures.map((input, k) => ({
    input: Buffer.from(input),
    raw: { width: side, height: side, channels: 3 },
    left: step * (k % columns),
    top: step * Math.floor(k / columns),
  }))).jpeg({ quality }).toFile(join(PROJECT_ROOT, "docs", name));
}

/** Twelve fields, healthy and diseased in turn. */
function fields(): Uint8Array[] {
  const growths: Partial<Features>[] = [
    {},
    { carcinoma: 0, adenoma: 0 },
    { carcinoma: 0.7 },
    { carcinoma: 0, adenoma: 0.8 },
  ];
  return Array.from({ length: 12 }, (_, index) => {
    const fixed = growths[index % growths.length];
    return picture(drawTeaching(SEED, index, { side: 256, pixelSize: PIXEL_SIZE, fixed }), true);
  });
}

/** One row a group: six fields in which only the forms of crypts and this group vary. */
function strips(): Uint8Array[] {
  return FEATURE_GROUPS.flatMap((group) =>
    Array.from({ length: 6 }, (_, index) =>
      picture(
        drawTeaching(SEED, index + 20, {
          side: 144,
          pixelSize: PIXEL_SIZE,
          groups: ["crypts", group],
          fixed: SHOWN[group],
        }),
        false,
      ))
  );
}

if (import.meta.main) {
  await writeSheet("teaching.jpg", [256, 4, 60], fields());
  await writeSheet("teaching_groups.jpg", [144, 6, 45], strips());
  const path = join(PROJECT_ROOT, "docs", "synthetic.md");
  await writeWhole(path, withFeatures(await Deno.readTextFile(path)));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] }).spawn().status;
}
