/** Outlines as QuPath exports them. */
import { toFeature } from "../annotation/mod.ts";
import type { Outline } from "./outlines.ts";
import { PIXEL_SIZE } from "./plan.ts";

/**
 * A list of annotations as QuPath exports it: one closed polygon of pixel coordinates (x, y) per
 * crypt, cut at the edges of the image; outlines wholly outside are left out.
 */
export function toQuPath(outlines: Outline[], height: number, width: number): string {
  const rings = outlines.map((outline) => ring(outline, height, width))
    .filter((points) => ringArea(points) > 1);
  return JSON.stringify(rings.map((points) =>
    toFeature({
      polygons: [{ rings: [points], classification: null }],
      classification: "crypt",
      colour: [208, 20, 207],
    })
  ));
}

/** Clamped to the image: with corners 2 µm apart that is as good as clipping. */
function ring(outline: Outline, height: number, width: number): [number, number][] {
  const points: [number, number][] = [];
  for (let k = 0; k < outline.length; k += 2) {
    const x = Math.min(width, Math.max(0, Math.round(outline[k] / PIXEL_SIZE * 10) / 10));
    const y = Math.min(height, Math.max(0, Math.round(outline[k + 1] / PIXEL_SIZE * 10) / 10));
    points.push([x, y]);
  }
  points.push([...points[0]]);
  return points;
}

function ringArea(points: [number, number][]): number {
  let twice = 0;
  for (let k = 0; k + 1 < points.length; k++) {
    twice += points[k][0] * points[k + 1][1] - points[k + 1][0] * points[k][1];
  }
  return Math.abs(twice) / 2;
}
