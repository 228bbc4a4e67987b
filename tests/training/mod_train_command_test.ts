import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parseCommand } from "../../scripts/train_options.ts";
import { writeTinyDataset } from "../support/tiny_dataset.ts";

Deno.test("the train command understands its options and names those it cannot use", () => {
  const command = parseCommand([
    ...["--profile", "glas", "--set", "epochs=3", "--set", "augmentation=none"],
    ...["--set", "folds=[1]", "--loss", "dice", "--micro-batch", "2", "--no-test", "--fresh"],
  ])!;
  assert.equal(command.profile.name, "glas");
  assert.equal(command.profile.epochs, 3);
  assert.equal(command.profile.augmentation, "none");
  assert.deepEqual(command.profile.folds, [1]);
  assert.equal(command.options.microBatchSize, 2);
  assert.equal(command.options.loss, "dice");
  assert.equal(command.options.resume, false);
  assert.equal(command.test, false);
  assert.equal(parseCommand(["--help"]), null);
  assert.throws(
    () => parseCommand(["--set", "epoch=3"]),
    /^RangeError: --set epoch=3: a profile has no setting "epoch": did you mean epochs\?$/,
  );
  assert.throws(() => parseCommand(["--set", "epochs"]), /--set takes KEY=VALUE, got "epochs"/);
  assert.throws(
    () => parseCommand(["--set", "epochs=-1"]),
    /epochs must be a positive integer, got -1/,
  );
  assert.throws(() => parseCommand(["--loss", "hinge"]), /--loss must be one of .* got "hinge"/);
  assert.throws(
    () => parseCommand(["--workers", "two"]),
    /--workers must be an integer >= 0, got "two"/,
  );
  assert.throws(() => parseCommand(["--profil", "demo"]), /--profil/);
});

Deno.test("a setting that is given as an option is told as one", () => {
  const cases: [string[], RegExp][] = [
    [["--epochs", "2"], /no option --epochs, it is a setting of the profile: --set epochs=2$/],
    [["--learning-rate=0.1"], /no option --learning-rate, .*: --set learningRate=0\.1$/],
    [["--epochSteps", "--fresh"], /no option --epochSteps, .*: --set epochSteps=VALUE$/],
    [["--micro-batch", "-1"], /--micro-batch must be an integer >= 1, got "-1"/],
  ];
  for (const [args, message] of cases) assert.throws(() => parseCommand(args), message);
});

Deno.test("an option and a setting that say the same are refused together", () => {
  const cases: [string, string, string][] = [
    ["--loss", "dice", "loss=cross-entropy"],
    ["--encoder-weights", "none", "encoderWeights=imagenet"],
    ["--init", "bundled", "initialWeights=bundled"],
    ["--weights", "a.pth", "initialWeights=null"],
  ];
  for (const [option, value, setting] of cases) {
    const key = setting.split("=")[0];
    assert.throws(
      () => parseCommand([option, value, "--set", setting]),
      new RegExp(`${option} and --set ${key} are the same: give one`),
    );
    assert.ok(parseCommand([option, value]));
    assert.ok(parseCommand(["--set", setting]));
  }
  assert.throws(
    () => parseCommand(["--by-donor", "--set", "groupBy=image"]),
    /--by-donor and --set groupBy are the same/,
  );
});

Deno.test("the train command trains, reports the test images and goes on where it ended", async () => {
  const root = await Deno.makeTempDir({ prefix: "crypts-train-" });
  const script = fileURLToPath(new URL("../../scripts/train.ts", import.meta.url));
  const model = { architecture: "Unet", encoder: "efficientnet-b0", encoderDepth: 3 };
  const run = async (...more: string[]) => {
    const settings = {
      model: { ...model, decoderChannels: [8, 8, 8] },
      ...{ scale: 1, patch: 32, stride: 16, batchSize: 4, foldCount: 2, folds: [0] },
      ...{ augmentation: "flips", threshold: 0.5, schedule: "constant" },
    };
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", script, "--data", `${root}/data`, "--out", `${root}/out`],
        ...["--profile", "demo", "--backend", "wasm", "--encoder-weights", "none"],
        ...Object.entries(settings).flatMap(([k, v]) => ["--set", `${k}=${JSON.stringify(v)}`]),
        ...more,
      ],
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), err: text(stderr) };
  };
  try {
    await writeTinyDataset(`${root}/data`);
    const first = await run("--set", "epochs=1");
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /fold 0: validation loss \d\.\d+, soft Dice 0\.\d+ in epoch 1/);
    assert.match(first.out, /mean of 1 test images +0\.\d{4} +0\.\d{4}/);
    const second = await run("--set", "epochs=2", "--no-test", "--by-donor");
    assert.equal(second.code, 0, second.err);
    assert.match(second.out, /unet_b0_data_fold0 goes on after epoch 1/);
    assert.ok(!second.out.includes("test images"));
    const log = await Deno.readTextFile(`${root}/out/models/logs/unet_b0_data_fold0.csv`);
    assert.equal(log.trim().split("\n").length, 3);
    const failed = await run("--set", "epochs=3", "--set", "learningRate=1e30");
    assert.equal(failed.code, 1);
    assert.match(failed.err, /loss .*is (NaN|-?Infinity)/);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
