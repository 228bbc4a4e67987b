import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { backendRows, BACKENDS, selectBackend } from "../../lib/backend/select.ts";
import { EXPECTED, selfTestValues } from "../../lib/backend/self_test.ts";
import { kernelFile, kernelKind, relaxedSimd } from "../../lib/backend/wasm/binary.ts";
import {
  BINARIES,
  type Binary,
  buildKernels,
  COMPILER,
  compilerPresent,
} from "../../lib/backend/wasm/kernels/build.ts";
import { shareMemory } from "../../lib/backend/wasm/memory.ts";
import { ThreadPool } from "../../lib/backend/wasm/threads.ts";
import { buildKernel, KERNELS } from "../../lib/embedding/kernel/build.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";

/** The kinds of kernels that this engine runs. */
const KINDS = relaxedSimd() ? ["plain", "relaxed"] as const : ["plain"] as const;

/** Runs `code` in a Deno of its own, where no backend has started yet. */
async function inNewProcess(code: string, env: Record<string, string>) {
  const backend = JSON.stringify(new URL("../../lib/backend/select.ts", import.meta.url).href);
  const { code: status, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { selectBackend } from ${backend};\n${code}`,
    ],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env,
    signal: AbortSignal.timeout(30_000),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { status, out: text(stdout), errors: text(stderr) };
}

Deno.test("the table names every backend: refused with the reason's first line, chosen, not tried", () => {
  const rows = backendRows({
    ...{ name: "webgpu", device: "Apple M3", line: "" },
    refused: [
      { name: "tfjs-node-gpu", reason: "no CUDA\nmore" },
      { name: "tfjs-node", reason: "not built" },
    ],
  });
  assert.deepEqual(rows.map((row) => Object.values(row)), [
    ["tfjs-node-gpu", "cannot be used", "no CUDA"],
    ["tfjs-node", "cannot be used", "not built"],
    ["webgpu", "chosen", "Apple M3"],
    ["wasm", "not tried", "–"],
    ["cpu", "not tried", "–"],
  ]);
});

Deno.test("a backend asked for by name is the one that runs, and says so in one line", async () => {
  for (const name of ["cpu", "wasm"]) {
    const report = await selectBackend(name);
    assert.equal(report.name, name);
    assert.equal(tf.getBackend(), name);
    assert.match(report.line, new RegExp(`^${name} on .*${report.device}$`));
    assert.deepEqual(report.refused, []);
  }
});

Deno.test("the default is the best backend that works, with a reason for each better one", async () => {
  const before = Deno.env.get("CRYPTS_BACKEND");
  Deno.env.delete("CRYPTS_BACKEND");
  try {
    const { name, refused } = await selectBackend();
    assert.notEqual(name, "cpu");
    assert.deepEqual(refused.map((r) => r.name), BACKENDS.slice(0, BACKENDS.indexOf(name)));
    for (const { reason } of refused) assert.ok(reason.length > 10, reason);
  } finally {
    if (before !== undefined) Deno.env.set("CRYPTS_BACKEND", before);
  }
});

Deno.test("CRYPTS_BACKEND chooses; the argument wins over it", async () => {
  const before = Deno.env.get("CRYPTS_BACKEND");
  Deno.env.set("CRYPTS_BACKEND", "cpu");
  try {
    assert.equal((await selectBackend()).name, "cpu");
    assert.equal((await selectBackend("wasm")).name, "wasm");
    Deno.env.set("CRYPTS_BACKEND", "abacus");
    await assert.rejects(selectBackend(), /RangeError: backend "abacus".*tfjs-node-gpu, tfjs-node/);
  } finally {
    if (before === undefined) Deno.env.delete("CRYPTS_BACKEND");
    else Deno.env.set("CRYPTS_BACKEND", before);
  }
});

Deno.test("a backend that computes wrong numbers is refused by the self-test", async () => {
  await selectBackend("cpu");
  const own = tf.getKernel(tf.Conv2DBackpropFilter, "cpu")!;
  tf.unregisterKernel(tf.Conv2DBackpropFilter, "cpu");
  tf.registerKernel({
    ...own,
    kernelFunc: (call) => {
      const right = tf.engine().makeTensorFromTensorInfo(own.kernelFunc(call) as tf.TensorInfo);
      return tf.mul(right, 1.05);
    },
  });
  try {
    await assert.rejects(selectBackend("cpu"), /cpu: self-test failed: filter is .* should be/);
  } finally {
    tf.unregisterKernel(tf.Conv2DBackpropFilter, "cpu");
    tf.registerKernel(own);
  }
  assert.equal((await selectBackend("cpu")).name, "cpu");
});

Deno.test("the stored values of the self-test are those of cpu and wasm, to 1e-4", async () => {
  for (const name of ["cpu", "wasm"]) {
    await selectBackend(name);
    const got = Object.values(await selfTestValues()).flat();
    const want = Object.values(EXPECTED).flat();
    got.forEach((value, i) =>
      assert.ok(Math.abs(value - want[i]) < 1e-4 * (1 + Math.abs(want[i])), `${name}: ${got}`)
    );
  }
});

Deno.test("wasm: training steps lower the loss and leave no tensor behind", async () => {
  await selectBackend("wasm");
  const model = createModel({
    architecture: "Unet",
    encoder: "efficientnet-b0",
    decoderChannels: [32, 16, 16, 8, 8],
    seed: 3,
  });
  const x = tf.randomNormal([2, 64, 64, 3], 0, 1, "float32", 5) as tf.Tensor4D;
  const target = tf.tidy(() =>
    tf.cast(tf.greater(tf.slice(x, [0, 0, 0, 0], [2, 64, 64, 1]), 0), "float32")
  );
  const optimizer = tf.train.sgd(0.1);
  const step = () =>
    tf.tidy(() => {
      const cost = optimizer.minimize(
        () => {
          const logits = tf.slice(model.forward(x, { training: true }), [0, 0, 0, 0], [
            2,
            64,
            64,
            1,
          ]);
          return tf.losses.sigmoidCrossEntropy(target, logits) as tf.Scalar;
        },
        true,
        model.trainable.filter((v) => !/_conv_head|encoder\._bn1/.test(v.name)),
      )!;
      return cost.dataSync()[0];
    });
  const first = step();
  const tensors = tf.memory().numTensors;
  let last = first;
  for (let i = 0; i < 4; i++) last = step();
  assert.equal(tf.memory().numTensors, tensors);
  assert.ok(last < 0.9 * first, `loss went from ${first} to ${last}`);
  model.dispose();
  tf.dispose([x, target]);
  optimizer.dispose();
});

Deno.test("wasm: the same step gives the same bits, however the threads were scheduled", async () => {
  await selectBackend("wasm");
  const model = createModel({
    architecture: "Unet",
    encoder: "efficientnet-b0",
    decoderChannels: [16, 16, 8, 8, 8],
    seed: 3,
  });
  const x = tf.randomNormal([2, 64, 64, 3], 0, 1, "float32", 5) as tf.Tensor4D;
  const gradients = () => {
    const { value, grads } = tf.variableGrads(() =>
      tf.sum(tf.square(model.forward(x, { training: true }))) as tf.Scalar
    );
    const values = Object.values(grads).filter(Boolean).map((g) => g.dataSync());
    tf.dispose([value, grads]);
    return values;
  };
  const first = gradients();
  for (let repeat = 0; repeat < 3; repeat++) assert.deepEqual(gradients(), first);
  model.dispose();
  x.dispose();
});

for (const kind of KINDS) {
  Deno.test(`${kind}: a kernel gives the same on one thread and on three, remainders included`, async () => {
    const module = await WebAssembly.compile(await Deno.readFile(kernelFile(kind)));
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 65536, shared: true });
    const count = 1003;
    const x = new Float32Array(memory.buffer, 1024, count);
    x.set(Array.from({ length: count }, (_, i) => Math.sin(i) * 5));
    const results: Float32Array[] = [];
    for (const threads of [1, 3]) {
      const pool = await ThreadPool.start(module, memory, threads);
      assert.equal(pool.threads, threads);
      const y = new Float32Array(memory.buffer, 8192, count).fill(-1);
      for (let repeat = 0; repeat < 200; repeat++) {
        pool.run({ kernel: "swish", args: [1024, 8192], work: count, slices: 7 });
      }
      results.push(y.slice());
      assert.throws(() => pool.run({ kernel: "swoosh", args: [], work: 1 }), /no kernel "swoosh"/);
      // Far outside of the memory, in whichever thread: an error, not a hang.
      assert.throws(
        () => pool.run({ kernel: "swish", args: [0x7fff0000, 8192], work: count, slices: 7 }),
        /swish reached outside/,
      );
      assert.throws(() => pool.run({ kernel: "swish", args: [], work: 1, slices: 0 }), RangeError);
      pool.stop();
    }
    assert.deepEqual(results[1], results[0]);
    results[0].forEach((value, i) => {
      assert.ok(Math.abs(value - x[i] / (1 + Math.exp(-x[i]))) < 1e-6 * (1 + Math.abs(x[i])));
    });
  });
}

Deno.test("CRYPTS_THREADS sets the threads, and sleeping threads let the process end", async () => {
  const code = `console.log((await selectBackend("wasm")).device);`;
  const { status, out } = await inNewProcess(code, { CRYPTS_THREADS: "3" });
  assert.equal(status, 0);
  assert.match(out, /3 threads/);
  const wrong = await inNewProcess(code, { CRYPTS_THREADS: "many" });
  assert.notEqual(wrong.status, 0);
  assert.match(wrong.errors, /CRYPTS_THREADS must be 1 to 256, got "many"/);
});

Deno.test("a module without a memory of its own cannot be given a shared one", async () => {
  assert.throws(
    () => shareMemory(Deno.readFileSync(kernelFile("plain"))),
    /defines no memory with an upper limit/,
  );
  const file = fileURLToPath(import.meta.resolve("@tensorflow/tfjs-backend-wasm"));
  const bytes = await Deno.readFile(join(file, "..", "tfjs-backend-wasm-simd.wasm"));
  assert.ok(WebAssembly.validate(shareMemory(bytes)));
});

for (const kind of ["plain", "relaxed"] as const) {
  Deno.test(`${kind}: the kernels bring no data of their own into TensorFlow.js's memory`, () => {
    const bytes = Deno.readFileSync(kernelFile(kind));
    const sections: number[] = [];
    for (let at = 8; at < bytes.length;) {
      sections.push(bytes[at++]);
      let size = 0;
      for (let shift = 0;; shift += 7) {
        const byte = bytes[at++];
        size |= (byte & 127) << shift;
        if (byte < 128) break;
      }
      at += size;
    }
    const [data, dataCount, start] = [11, 12, 8];
    for (const section of [data, dataCount, start]) assert.ok(!sections.includes(section));
  });
}

Deno.test("the relaxed kernels run where the engine has relaxed SIMD, the plain ones everywhere", () => {
  assert.equal(kernelKind("plain"), "plain");
  assert.equal(kernelKind(undefined), relaxedSimd() ? "relaxed" : "plain");
  assert.equal(WebAssembly.validate(Deno.readFileSync(kernelFile("relaxed"))), relaxedSimd());
  assert.ok(WebAssembly.validate(Deno.readFileSync(kernelFile("plain"))));
  assert.throws(
    () => kernelKind("fast"),
    /CRYPTS_WASM_KERNELS must be "relaxed" or "plain", got "fast"/,
  );
});

Deno.test("CRYPTS_WASM_KERNELS=plain: the self-test holds without relaxed SIMD", async () => {
  const code = `console.log((await selectBackend("wasm")).device);`;
  const { status, out } = await inNewProcess(code, { CRYPTS_WASM_KERNELS: "plain" });
  assert.equal(status, 0);
  assert.match(out, /WebAssembly SIMD/);
});

Deno.test("the numerics table and the fused operations hold on the plain kernels too", async () => {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "-A",
      "--no-check",
      "--filter",
      "/^wasm/",
      "backend/wasm_kernels_test.ts",
      "backend/wasm_winograd_test.ts",
      "tensor",
    ],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { CRYPTS_WASM_KERNELS: "plain", NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.ok(success, text + new TextDecoder().decode(stderr));
  assert.match(text, /wasm: all \d+ kernels of the table .* ok/);
});

const compiler = await compilerPresent();
for (
  const [binary, build] of [
    ...(Object.keys(BINARIES) as Binary[]).map((name) =>
      [`backend/wasm/kernels/${name}`, (out: string) => buildKernels(out, name)] as const
    ),
    ...KERNELS.map((name) =>
      [`embedding/kernel/${name}.wasm`, (out: string) => buildKernel(name, out)] as const
    ),
  ] as const
) {
  Deno.test({
    name: `${binary} is what its C files compile to` +
      (compiler ? "" : ` (skipped: no ${COMPILER})`),
    ignore: !compiler,
    fn: async () => {
      const committed = Deno.readFileSync(new URL(`../../lib/${binary}`, import.meta.url));
      const out = await Deno.makeTempFile({ suffix: ".wasm" });
      try {
        await build(out);
        const same = Deno.readFileSync(out).every((byte, i) => byte === committed[i]);
        assert.ok(same && Deno.statSync(out).size === committed.length, "run build.ts beside it");
      } finally {
        await Deno.remove(out);
      }
    },
  });
}
