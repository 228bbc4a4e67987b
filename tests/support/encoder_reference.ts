/** tests/reference/encoders.json: what smp and timm say about the newer encoders. */
import assert from "node:assert/strict";
import type { ModelConfig } from "../../lib/model/mod.ts";

/** Shape, moments and sampled values (row-major, NCHW) of a tensor. */
export interface Sample {
  shape: number[];
  mean: number;
  std: number;
  idx: number[];
  values: number[];
  /** Distance of PyTorch's own float32 run, in units of the deviation. */
  float32_distance?: number;
}

/** A whole model with closed-form weights. */
export interface ModelCase {
  architecture: string;
  encoder: string;
  padding: ModelConfig["padding"];
  entries: number;
  /** Of the lines `name:AxBxC`. */
  sha256: string;
  first: string;
  last: string;
  parameters: number;
  logits: Sample[];
}

/** The encoder with real ImageNet weights: its stages, input first. */
export interface ImagenetCase {
  encoder: string;
  file: string;
  entries: number;
  stages: Sample[];
}

/** A training step, gradients of a float64 run. */
export interface StepCase {
  architecture: string;
  encoder: string;
  padding: ModelConfig["padding"];
  batch: number;
  side: number;
  loss: number;
  /** Relative distance of PyTorch's own float32 gradient. */
  float32_distance: number;
  gradients_name_norm_first: [string, number | null, number | null][];
  statistics_name_sum_first: [string, number, number][];
}

/** Reads the file. */
export function encoderReference(): {
  models: ModelCase[];
  imagenet: ImagenetCase[];
  steps: StepCase[];
} {
  return JSON.parse(
    Deno.readTextFileSync(new URL("../reference/encoders.json", import.meta.url)),
  );
}

/** Asserts moments and sampled values to `tolerance` of the reference's deviation. */
export function assertSample(
  values: ArrayLike<number>,
  want: Sample,
  tolerance: number,
  what: string,
): void {
  assert.equal(values.length, want.shape.reduce((a, b) => a * b, 1), `${what}: size`);
  const all = Array.from(values);
  const mean = all.reduce((a, b) => a + b, 0) / all.length;
  const std = Math.sqrt(all.reduce((a, b) => a + (b - mean) ** 2, 0) / all.length);
  const got = [mean, std, ...want.idx.map((i) => all[i])];
  [want.mean, want.std, ...want.values].forEach((expected, i) => {
    const error = Math.abs(got[i] - expected) / want.std;
    assert.ok(error <= tolerance, `${what}: value ${i} is ${got[i]}, expected ${expected}`);
  });
}
