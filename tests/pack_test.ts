import assert from "node:assert/strict";
import { join } from "node:path";
import { runPack, stage } from "../scripts/pack.ts";
import { packageFiles } from "../scripts/pack_packages.ts";

Deno.test("what is packed checks a backend with an empty home, no caches and nothing fetched", async () => {
  const folder = await Deno.makeTempDir({ prefix: "packed_" });
  const home = await Deno.makeTempDir({ prefix: "home_" });
  try {
    await stage(folder);
    assert.ok(Deno.statSync(join(folder, "run.sh")).mode! & 0o100, "run.sh can be executed");
    const flags = ["--cached-only", "--no-lock", "--no-check"];
    const { success, stdout, stderr } = await new Deno.Command(join(folder, "deno"), {
      args: ["test", "-A", ...flags, "tests/backend/wasm_winograd_test.ts"],
      cwd: folder,
      clearEnv: true,
      env: { HOME: home, DENO_DIR: join(home, "deno"), NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.ok(success, text);
    assert.match(text, /wasm: Winograd's convolution and both gradients equal float64's/);
    // bench/backends.ts is loaded, and stops at the name of a backend that there is not.
    const bench = await new Deno.Command(join(folder, "deno"), {
      args: ["run", "-A", ...flags, "bench/backends.ts", "abacus"],
      cwd: folder,
      clearEnv: true,
      env: { HOME: home, DENO_DIR: join(home, "deno"), NO_COLOR: "1" },
    }).output();
    assert.match(new TextDecoder().decode(bench.stdout), /abacus: left out/);
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("packages are packed without types, maps and other systems' binaries", async () => {
  const root = new URL("..", import.meta.url).pathname;
  const store = join(root, "node_modules/.deno");
  const onnx = [...Deno.readDirSync(store)].find(({ name }) =>
    name.startsWith("onnxruntime-node@")
  )!;
  const files = await packageFiles([join(store, onnx.name, "node_modules/onnxruntime-node")]);
  const binaries = files.filter((file) => file.includes("/bin/napi-v"));
  assert.ok(binaries.length > 0);
  assert.ok(binaries.every((file) => file.includes(`/${Deno.build.os}/`)), String(binaries));
  assert.ok(!files.some((file) => /\.(d\.ts|map)$/.test(file)), String(files));
  assert.ok(files.includes("node_modules/onnxruntime-node"), "the link that imports follow");
});

Deno.test("pack refuses another kind of file, and one that is there", async () => {
  const messages: string[] = [], error = console.error;
  console.error = (text: string) => messages.push(text);
  const there = await Deno.makeTempFile({ suffix: ".tar.xz" });
  try {
    assert.equal(await runPack(["--out", "archive.zip"]), 2);
    assert.equal(await runPack(["--out", there]), 2);
    assert.equal(await runPack(["--output", there]), 2);
  } finally {
    console.error = error;
    await Deno.remove(there);
  }
  assert.match(messages[0], /--out must end in \.tar\.xz, got .*archive\.zip/);
  assert.match(messages[1], /is there already: --force replaces it/);
  assert.match(messages[2], /--output/);
});
