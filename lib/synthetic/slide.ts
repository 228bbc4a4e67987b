/** One image of the built-in data set, from plan to pixels. */
import type { Mask, RgbImage } from "../image/mod.ts";
import { createRandom } from "../base/mod.ts";
import { Canvas } from "./canvas.ts";
import { placeCrypts } from "./crypts.ts";
import { paintCrypt, paintCytoplasm } from "./epithelium.ts";
import { paintGround } from "./ground.ts";
import { Noise } from "./noise.ts";
import { edgeDistances, fillOutline, type Outline } from "./outlines.ts";
import { PIXEL_SIZE, type SlidePlan } from "./plan.ts";
import { missingTiles, scan } from "./scanner.ts";
import { paintSheath, paintSurface, scatterCells } from "./stroma.ts";
import { paintVessel, placeObstacles } from "./vessels.ts";
import { Zones } from "./zones.ts";

/** An image with its ground truth. */
export interface Slide {
  image: RgbImage;
  mask: Mask;
  /** Outlines of the crypts in µm, in the mask's order of filling; they may leave the image. */
  outlines: Outline[];
}

/**
 * Draws the image that `plan` describes, `height` x `width` pixels of 0.5 µm. The same seed gives
 * the same pixels; the plan's id takes part in the seed.
 */
export async function drawSlide(
  plan: SlidePlan,
  height: number,
  width: number,
  seed: number,
): Promise<Slide> {
  const random = createRandom(seed).fork(plan.id);
  const noise = new Noise(random.fork("noise"));
  const zones = new Zones(plan, width * PIXEL_SIZE, height * PIXEL_SIZE, noise);
  const { vessels, clusters } = placeObstacles(plan, zones, random.fork("obstacles"));
  const crypts = placeCrypts(plan, zones, [...vessels, ...clusters], noise, random.fork("crypts"));

  const canvas = new Canvas(height, width, noise);
  crypts.forEach((crypt, k) => fillOutline(canvas, crypt.outline, k + 1));
  const distances = edgeDistances(canvas.labels, height, width);
  paintGround(canvas, zones, distances, noise);
  paintCytoplasm(canvas, crypts, distances, noise);
  scatterCells(canvas, zones, clusters, vessels, noise, random.fork("cells"));
  paintSurface(canvas, zones, random.fork("surface"));
  vessels.forEach((vessel, k) => paintVessel(canvas, vessel, random.fork(`vessel ${k}`)));
  crypts.forEach((crypt, k) => {
    const own = random.fork(`crypt ${k}`);
    paintSheath(canvas, crypt, own.fork("sheath"));
    paintCrypt(canvas, crypt, k + 1, distances, own);
  });

  const image = await scan(canvas, plan, noise, random.fork("scanner"));
  return { image, mask: cryptMask(canvas, plan), outlines: crypts.map((crypt) => crypt.outline) };
}

function cryptMask(canvas: Canvas, plan: SlidePlan): Mask {
  const { height, width } = canvas;
  const data = Uint8Array.from(canvas.labels, (label) => label > 0 ? 1 : 0);
  // What the scanner missed nobody can annotate.
  for (const box of missingTiles(plan, height, width)) {
    for (let row = box.top; row < box.bottom; row++) {
      data.fill(0, row * width + box.left, row * width + box.right);
    }
  }
  return { data, height, width };
}
