/**
 * Every backend of this machine in one run: kernels in GFLOP/s, training step and evaluation.
 *
 *     deno run -A bench/backends.ts [BACKEND…]
 *
 * PyTorch is the baseline of the same run where CRYPTS_TORCH_PYTHON names a Python that has it. The
 * PyTorch figures of whole models are those of ../shared/NOTES.md (1.13.1, two threads, two cores).
 */
import * as tf from "@tensorflow/tfjs-core";
import { BACKENDS, selectBackend } from "crypts/backend";
import { crossEntropy } from "crypts/tensor";
import { createModel } from "crypts/model";
import { Ranger } from "crypts/ranger";
import { printMachine, printTable, time } from "./machine.ts";

type Size4 = [number, number, number, number];

/** The 3 x 3 convolutions of NOTES.md, then what EfficientNet-B0 is made of. */
const CONVOLUTIONS: { shape: Size4; kernel: number; out: number }[] = [
  { shape: [4, 128, 128, 32], kernel: 3, out: 32 },
  { shape: [4, 64, 64, 64], kernel: 3, out: 64 },
  { shape: [4, 32, 32, 128], kernel: 3, out: 128 },
  { shape: [4, 16, 16, 256], kernel: 3, out: 256 },
  { shape: [8, 64, 64, 16], kernel: 1, out: 96 },
  { shape: [8, 4, 4, 192], kernel: 1, out: 1152 },
];
const DEPTHWISE: { shape: Size4; kernel: number }[] = [
  { shape: [8, 32, 32, 144], kernel: 3 },
  { shape: [8, 8, 8, 672], kernel: 5 },
];
const MATRIX = 1024;
const MODELS = [
  { encoder: "efficientnet-b0", side: 128, batch: 8, torchStep: 309, torchEvaluation: null },
  { encoder: "efficientnet-b2", side: 512, batch: 1, torchStep: null, torchEvaluation: 144 },
];

printMachine();
const wanted = Deno.args.length ? Deno.args : BACKENDS.filter((name) => name !== "cpu");
const torch = await torchKernels();
for (const name of wanted) {
  try {
    const { line } = await selectBackend(name);
    console.log(`## ${line}\n`);
  } catch (error) {
    console.log(`## ${name}: left out, ${(error as Error).message}\n`);
    continue;
  }
  await benchKernels();
  await benchModels();
}

/** Runs `run` and waits until its result is there. */
async function settle(run: () => tf.Tensor): Promise<void> {
  const t = run();
  const one = tf.tidy(() => tf.slice(tf.reshape(t, [-1]), 0, 1));
  await one.data();
  tf.dispose([t, one]);
}

async function benchKernels(): Promise<void> {
  const rows: (string | number)[][] = [[
    "GFLOP/s",
    "forward",
    "d input",
    "d filter",
    ...torch ? ["PyTorch forward", "PyTorch all three"] : [],
  ]];
  const cases = [
    ...CONVOLUTIONS.map((c) => ({ ...c, depthwise: false })),
    ...DEPTHWISE.map((c) => ({ ...c, depthwise: true, out: c.shape[3] })),
  ];
  for (const { shape, kernel, out, depthwise } of cases) {
    const [batch, height, width, channels] = shape;
    const x = tf.randomNormal(shape) as tf.Tensor4D;
    const dy = tf.randomNormal([batch, height, width, out]) as tf.Tensor4D;
    const filter = tf.randomNormal(
      depthwise ? [kernel, kernel, channels, 1] : [kernel, kernel, channels, out],
    ) as tf.Tensor4D;
    const work = 2 * batch * height * width * kernel * kernel * channels * (depthwise ? 1 : out);
    const attrs = { strides: 1, pad: "same", dataFormat: "NHWC", dilations: 1 };
    const run = (kernelName: string, inputs: Record<string, tf.Tensor>, more: object) => () =>
      tf.engine().runKernel(
        kernelName,
        inputs,
        { ...attrs, ...more } as unknown as tf.NamedAttrMap,
      ) as tf.Tensor;
    const [forward, dInput, dFilter] = depthwise
      ? [
        tf.DepthwiseConv2dNative,
        tf.DepthwiseConv2dNativeBackpropInput,
        tf.DepthwiseConv2dNativeBackpropFilter,
      ]
      : [tf.Conv2D, tf.Conv2DBackpropInput, tf.Conv2DBackpropFilter];
    const times: number[] = [];
    for (
      const kernelRun of [
        run(forward, { x, filter }, {}),
        run(dInput, { dy, filter }, { inputShape: shape }),
        run(dFilter, { x, dy }, { filterShape: filter.shape }),
      ]
    ) times.push(await time(() => settle(kernelRun), 5));
    const name = `${depthwise ? "depthwise " : ""}${kernel}x${kernel} [${shape}] to ${out}`;
    rows.push([
      name,
      ...times.map((ms) => (work / ms / 1e6).toFixed(1)),
      ...torch?.[name]
        ? [
          (work / torch[name][0] / 1e6).toFixed(1),
          (3 * work / torch[name][1] / 1e6).toFixed(1),
        ]
        : [],
    ]);
    tf.dispose([x, dy, filter]);
  }
  const [a, b] = [0, 1].map(() => tf.randomNormal([MATRIX, MATRIX]) as tf.Tensor2D);
  const ms = await time(() => settle(() => tf.matMul(a, b)), 5);
  rows.push([
    `matrix product ${MATRIX}³`,
    (2 * MATRIX ** 3 / ms / 1e6).toFixed(1),
    "",
    "",
    ...torch ? [(2 * MATRIX ** 3 / torch.matrix[0] / 1e6).toFixed(1), ""] : [],
  ]);
  tf.dispose([a, b]);
  printTable(rows);
  console.log();
}

async function benchModels(): Promise<void> {
  const rows = [["Unet", "ms", "of PyTorch's time (NOTES)", "optimizer step"]];
  const ratio = (ms: number, torchMs: number | null) =>
    torchMs ? `${(ms / torchMs).toFixed(2)} x` : "";
  for (const { encoder, side, batch, torchStep, torchEvaluation } of MODELS) {
    const model = createModel({ architecture: "Unet", encoder, seed: 1 });
    const x = tf.randomNormal([batch, side, side, 3]) as tf.Tensor4D;
    const target = tf.randomUniform([batch, side, side], 0, 2, "int32") as tf.Tensor3D;
    const what = `${encoder}, ${side} px, batch ${batch}`;
    const evaluation = await time(() => settle(() => model.predict(x)), 5);
    rows.push([
      `${what}: evaluation`,
      evaluation.toFixed(0),
      ratio(evaluation, torchEvaluation),
      "",
    ]);
    if (torchStep) {
      const optimizer = new Ranger(1e-3, { weightDecay: 1e-4 });
      const used = usedVariables(model, x, target);
      let optimizing = 0;
      let steps = 0;
      const step = await time(async () => {
        const { value, grads } = tf.variableGrads(
          () => crossEntropy(model.forward(x, { training: true }), target),
          used,
        );
        await value.data();
        const start = performance.now();
        optimizer.applyGradients(grads);
        await used[0].data();
        optimizing += performance.now() - start;
        steps++;
        tf.dispose([value, grads]);
      }, 5);
      const share = optimizing / steps;
      rows.push([
        `${what}: training step`,
        step.toFixed(0),
        ratio(step, torchStep),
        `${share.toFixed(1)} ms, ${(100 * share / step).toFixed(1)} %`,
      ]);
      optimizer.dispose();
    }
    model.dispose();
    tf.dispose([x, target]);
  }
  printTable(rows);
  console.log(`resident memory ${(Deno.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB\n`);
}

/** The variables that the loss depends on: EfficientNet's head is never run. */
function usedVariables(
  model: ReturnType<typeof createModel>,
  x: tf.Tensor4D,
  target: tf.Tensor3D,
): tf.Variable[] {
  const { value, grads } = tf.variableGrads(() => crossEntropy(model.forward(x), target));
  const used = model.trainable.filter((variable) => grads[variable.name]);
  tf.dispose([value, grads]);
  return used;
}

/** Milliseconds of PyTorch by kernel: forward, and forward with both gradients. */
async function torchKernels(): Promise<Record<string, number[]> | null> {
  const python = Deno.env.get("CRYPTS_TORCH_PYTHON");
  if (!python) {
    console.log("PyTorch: not timed (CRYPTS_TORCH_PYTHON names no Python)\n");
    return null;
  }
  const cases = [
    ...CONVOLUTIONS.map((c) => [c.shape, c.kernel, c.out, 1]),
    ...DEPTHWISE.map((c) => [c.shape, c.kernel, c.shape[3], c.shape[3]]),
  ];
  const script = `
import json, time, statistics, torch
def ms(f):
    f(); out = []
    for _ in range(5):
        t = time.perf_counter(); f(); out.append(1e3 * (time.perf_counter() - t))
    return statistics.median(out)
result = {}
for (b, h, w, c), k, out, groups in json.loads(${JSON.stringify(JSON.stringify(cases))}):
    x = torch.randn(b, c, h, w, requires_grad=True); dy = torch.randn(b, out, h, w)
    conv = torch.nn.Conv2d(c, out, k, padding=k // 2, groups=groups, bias=False)
    def both():
        conv(x).backward(dy)
    with torch.no_grad():
        forward = ms(lambda: conv(x))
    name = f"{'depthwise ' if groups > 1 else ''}{k}x{k} [{b},{h},{w},{c}] to {out}"
    result[name] = [forward, ms(both)]
a = torch.randn(${MATRIX}, ${MATRIX})
result["matrix"] = [ms(lambda: a @ a)]
result["version"] = [torch.get_num_threads()]
print(json.dumps(result))
`;
  const { success, stdout, stderr } = await new Deno.Command(python, { args: ["-c", script] })
    .output();
  if (!success) throw new Error(`PyTorch failed:\n${new TextDecoder().decode(stderr)}`);
  const result = JSON.parse(new TextDecoder().decode(stdout)) as Record<string, number[]>;
  console.log(`PyTorch: ${result.version[0]} threads, same run\n`);
  return result;
}
