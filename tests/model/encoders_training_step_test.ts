/** One training step with EfficientNet-Lite against PyTorch (smp around timm's encoder), in float64. */
import assert from "node:assert/strict";
import { encoderReference, type StepCase } from "../support/encoder_reference.ts";
import { inFloat64 } from "../support/float64.ts";
import { startBackend } from "../support/reference_models.ts";
import { type StepResult, trainingStep } from "../support/training_step.ts";

/** Unet by default; all four architectures where `CRYPTS_ALL_MODELS` is set. */
const CASES = encoderReference().steps.filter(({ architecture }) =>
  Deno.env.get("CRYPTS_ALL_MODELS") || architecture === "Unet"
);

/** Below this norm a gradient is zero but for rounding: a bias in front of a batch norm. */
const ZERO = 1e-9;

const requestOf = ({ architecture, encoder, batch, side }: StepCase) => ({
  architecture,
  encoder,
  batch,
  height: side,
  width: side,
});

for (const c of CASES) {
  const what = `${c.architecture} with ${c.encoder}`;
  Deno.test(`${what}: loss, gradients and statistics of a training step equal PyTorch's, and float32 stays near`, async () => {
    let exact!: StepResult;
    await inFloat64(async (run) => void (exact = await run(requestOf(c))));
    assertStep(c, exact, what);

    await startBackend();
    const step = await trainingStep(requestOf(c));
    assert.equal(step.leaked, 0, "tensors left behind");
    assert.ok(Math.abs(step.loss - exact.loss) <= 1e-5, `loss ${step.loss}`);
    const distance = relativeDistance(step, exact);
    // PyTorch's own float32 run is that far from its float64 run.
    const bound = Math.max(20 * c.float32_distance, 1e-3);
    assert.ok(distance <= bound, `gradient off by ${distance}, allowed ${bound}`);
  });
}

function assertStep(c: StepCase, step: StepResult, what: string): void {
  assert.equal(step.leaked, 0, `${what}: tensors left behind`);
  assert.ok(Math.abs(step.loss - c.loss) <= 1e-7, `${what}: loss ${step.loss}`);
  for (const [name, norm, first] of c.gradients_name_norm_first) {
    const gradient = step.gradients.get(name);
    if (norm === null || first === null) {
      assert.equal(gradient, undefined, `${what}: ${name} takes part`);
      continue;
    }
    assert.ok(gradient, `${what}: ${name} takes no part`);
    const values = Array.from(gradient);
    const ours = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
    if (norm < ZERO) {
      assert.ok(ours < ZERO, `${what}: ${name} has norm ${ours}`);
      continue;
    }
    assert.ok(
      Math.abs(ours - norm) <= 1e-6 * norm,
      `${what}: ${name} has norm ${ours}, not ${norm}`,
    );
    assert.ok(Math.abs(values[0] - first) <= 1e-6 * norm, `${what}: ${name} begins ${values[0]}`);
  }
  assert.equal(c.statistics_name_sum_first.length > 0, true);
  for (const [name, sum, first] of c.statistics_name_sum_first) {
    const values = Array.from(step.statistics.get(name)!);
    const error = Math.abs(values.reduce((x, y) => x + y, 0) - sum) / (1 + Math.abs(sum));
    assert.ok(error <= 1e-6 && Math.abs(values[0] - first) <= 1e-6, `${what}: ${name}`);
  }
}

/** Distance of the whole gradient, over its length. */
function relativeDistance(step: StepResult, truth: StepResult): number {
  let far = 0, length = 0;
  for (const [name, exact] of truth.gradients) {
    const got = step.gradients.get(name)!;
    for (let i = 0; i < exact.length; i++) {
      far += (got[i] - exact[i]) ** 2;
      length += exact[i] ** 2;
    }
  }
  return Math.sqrt(far / length);
}
