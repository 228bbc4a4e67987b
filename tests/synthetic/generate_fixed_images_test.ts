import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { PLANS } from "../../lib/synthetic/plan.ts";
import { drawSlide } from "../../lib/synthetic/slide.ts";

/** SHA-256 (first 12 digits) of pixels and mask at 150 x 170 px, seed 7, as of 2026-11-24. */
const DIGESTS: Record<string, [image: string, mask: string]> = {
  CL_HandE_S001_bottomleft: ["5811a86e17e5", "82eae80b0118"],
  CL_HandE_S001_bottomright: ["8cd13fb262f6", "4eb9917c4ee0"],
  CL_HandE_S001_topleft: ["c661df31331d", "f03c342d4106"],
  CL_HandE_S001_topright: ["5b841f38b3da", "068077df9df9"],
  HandE_S002_CL_bottomleft: ["23705840edec", "77986af9dfd1"],
  HandE_S002_CL_bottomright: ["036fad6152e1", "0164d8d24232"],
  HandE_S002_CL_topleft: ["2263f2c102be", "64a44b8404bc"],
  HandE_S002_CL_topright: ["e4a9ef696a50", "bb7760d3e54d"],
};

Deno.test("the eight built-in images are those of 2026-11-24, byte for byte", async () => {
  const digest = (data: Uint8Array) => createHash("sha256").update(data).digest("hex").slice(0, 12);
  const found: Record<string, [string, string]> = {};
  for (const plan of PLANS) {
    const { image, mask } = await drawSlide(plan, 150, 170, 7);
    found[plan.id] = [digest(image.data), digest(mask.data)];
  }
  assert.deepEqual(found, DIGESTS);
});
