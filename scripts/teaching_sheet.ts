/** Draws the pictures of docs/synthetic.md that show the teacher: `deno run -A scripts/teaching_sheet.ts`. */
import { join } from "node:path";
import { PROJECT_ROOT } from "crypts/base";
import {
  drawTeaching,
  type FeatureGroup,
  type Features,
  type TeachingSample,
} from "crypts/synthetic";
import sharp from "sharp";

const SEED = 5, PIXEL_SIZE = 1.24, GAP = 4;

/** The drawing with the outlines of its glands, or without. */
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
  side: number,
  columns: number,
  pictures: readonly Uint8Array[],
  quality: number,
): Promise<void> {
  const step = side + GAP;
  const rows = Math.ceil(pictures.length / columns);
  const raw = { width: side, height: side, channels: 3 as const };
  await sharp({
    create: {
      width: columns * step - GAP,
      height: rows * step - GAP,
      channels: 3,
      background: "white",
    },
  }).composite(pictures.map((input, k) => ({
    input: input as Buffer,
    raw,
    left: step * (k % columns),
    top: step * Math.floor(k / columns),
  }))).jpeg({ quality }).toFile(join(PROJECT_ROOT, "docs", name));
}

const fields = Array.from({ length: 12 }, (_, index) => {
  const growth = [{}, { carcinoma: 0, adenoma: 0 }, { carcinoma: 0.7 }, {
    carcinoma: 0,
    adenoma: 0.8,
  }];
  const fixed: Partial<Features> = growth[index % 4];
  return picture(drawTeaching(SEED, index, { side: 256, pixelSize: PIXEL_SIZE, fixed }), true);
});
await writeSheet("teaching.jpg", 256, 4, fields, 60);

/** One row a group: the same four fields, plain but for the features of the group. */
const rows: [FeatureGroup, Partial<Features>][] = [
  ["stain", {}],
  ["camera", {}],
  ["damage", { cleft: 12, tears: 2, oedema: 1 }],
  ["neighbours", {}],
  ["crypts", {}],
  ["hyperplasia", { serration: 0.8 }],
  ["adenoma", { adenoma: 0.8 }],
  ["carcinoma", { carcinoma: 0.7 }],
];
const strips = rows.flatMap(([group, fixed]) =>
  Array.from({ length: 6 }, (_, index) =>
    picture(
      drawTeaching(SEED, index + 20, {
        side: 144,
        pixelSize: PIXEL_SIZE,
        groups: ["crypts", group],
        fixed,
      }),
      false,
    ))
);
await writeSheet("teaching_groups.jpg", 144, 6, strips, 45);
