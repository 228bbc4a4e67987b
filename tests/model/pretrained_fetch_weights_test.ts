/** The cache of encoder weights: shared, locked, checked, movable, also read-only and offline. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { weightsFolder } from "../../lib/model/pretrained/cache.ts";
import { fetchWeights, WeightsUnavailableError } from "../../lib/model/pretrained/fetch_weights.ts";
import { ENCODER_WEIGHTS, type WeightsSource } from "../../lib/model/pretrained/sources.ts";
import { serveFile } from "../support/file_server.ts";
import { filesBelow, withFolder } from "../support/temporary.ts";

const BYTES = new Uint8Array(100_000).map((_, i) => (i * 2654435761) >>> 11);
const SHA256 = createHash("sha256").update(BYTES).digest("hex");
const SOURCE: WeightsSource = { ...ENCODER_WEIGHTS["resnet18"].imagenet!, sha256: SHA256 };
const WHAT = 'the "imagenet" weights of resnet18';

/** Runs `test` with an empty cache folder and these environment variables. */
async function inCache(
  variables: Record<string, string>,
  test: (folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (parent) => {
    const folder = join(parent, "cache");
    const all = {
      CRYPTS_WEIGHTS: folder,
      CRYPTS_WEIGHTS_MIRROR: "",
      CRYPTS_OFFLINE: "",
      ...variables,
    };
    const before = Object.keys(all).map((name) => [name, Deno.env.get(name)] as const);
    for (const [name, value] of Object.entries(all)) Deno.env.set(name, value);
    try {
      await test(folder);
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    }
  });
}

Deno.test("the folder is the user's cache, or where CRYPTS_WEIGHTS says", async () => {
  await inCache({ XDG_CACHE_HOME: "/somewhere" }, (folder) => {
    assert.equal(weightsFolder(), folder);
    Deno.env.delete("CRYPTS_WEIGHTS");
    if (Deno.build.os === "linux") assert.equal(weightsFolder(), "/somewhere/crypts/weights");
    assert.match(weightsFolder(), /crypts.weights$/);
    return Promise.resolve();
  });
});

Deno.test("fetched from the mirror once, then taken from the folder, also offline", async () => {
  await using server = serveFile(BYTES);
  await inCache({ CRYPTS_WEIGHTS_MIRROR: `${server.url}/mirror/` }, async (folder) => {
    const said: string[] = [];
    const onMessage = (line: string) => void said.push(line);
    const path = await fetchWeights(SOURCE, WHAT, { onMessage });
    assert.equal(path, join(folder, SOURCE.file));
    assert.deepEqual(await Deno.readFile(path), BYTES);
    assert.deepEqual(server.requests, [`GET /mirror/${SOURCE.file}`]);
    assert.match(said.join(), /resnet18-f37072fd\.pth \(47 MB, BSD-3-Clause\) from http.*mirror/);
    Deno.env.set("CRYPTS_OFFLINE", "1");
    assert.equal(await fetchWeights(SOURCE, WHAT, { onMessage }), path);
    assert.deepEqual([server.requests.length, said.length], [1, 1]);
  });
});

Deno.test("what cannot be had is one message: what was tried, where to put it, how to go on without", async () => {
  await using server = serveFile(BYTES, { status: 404 });
  await inCache({ CRYPTS_WEIGHTS_MIRROR: server.url }, async (folder) => {
    const refused = async (reason: RegExp) => {
      const attempt = fetchWeights(SOURCE, WHAT, { onMessage: () => {} });
      await assert.rejects(attempt, (error: Error) => {
        assert.ok(error instanceof WeightsUnavailableError);
        assert.match(error.message, /^the "imagenet" weights of resnet18 cannot be had\. Tried: /);
        assert.match(error.message, reason);
        for (const part of [SOURCE.file, folder, "CRYPTS_WEIGHTS", "encoderWeights: null"]) {
          assert.ok(error.message.includes(part), part);
        }
        return true;
      });
    };
    await refused(/the server answered 404/);
    server.behaviour.status = undefined;
    Deno.env.set("CRYPTS_OFFLINE", "1");
    await refused(/CRYPTS_OFFLINE=1 forbids to download http/);
    Deno.env.set("CRYPTS_OFFLINE", "0");
    await Deno.writeFile(join(folder, SOURCE.file), BYTES.subarray(1));
    await refused(/is damaged or another file: its SHA-256 is [0-9a-f]{64}.*remove it/);
    assert.deepEqual(await Deno.readFile(join(folder, SOURCE.file)), BYTES.subarray(1));
  });
});

Deno.test("a wrong file from the mirror is refused and not kept", async () => {
  await using server = serveFile(BYTES.subarray(5));
  await inCache({ CRYPTS_WEIGHTS_MIRROR: server.url }, async (folder) => {
    const attempt = fetchWeights(SOURCE, WHAT, { onMessage: () => {} });
    await assert.rejects(attempt, /is not the file that is wanted/);
    assert.deepEqual(await filesBelow(folder), [`${SOURCE.file}.lock`]);
  });
});

/** Runs {@link fetchWeights} in a process of its own. */
async function fetchProcess(flags: string[]): Promise<{ code: number; output: string }> {
  const script = new URL("../support/fetch_process.ts", import.meta.url).pathname;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...flags, script, SHA256],
    stderr: "null",
  }).output();
  return { code, output: new TextDecoder().decode(stdout) };
}

Deno.test("two processes at once: one downloads, the other waits for it and says so", async () => {
  await using server = serveFile(BYTES, { slowMs: 150 });
  await inCache({ CRYPTS_WEIGHTS_MIRROR: server.url }, async (folder) => {
    const both = await Promise.all([fetchProcess(["-A"]), fetchProcess(["-A"])]);
    assert.deepEqual(both.map((p) => p.code), [0, 0], both[0].output + both[1].output);
    assert.equal(server.requests.length, 1);
    const waited = both.filter((p) => p.output.includes("another process is downloading"));
    assert.equal(waited.length, 1);
    assert.deepEqual(await Deno.readFile(join(folder, SOURCE.file)), BYTES);
  });
});

Deno.test("a folder that cannot be written serves what it has, and says that it cannot take more", async () => {
  await using server = serveFile(BYTES);
  await inCache({ CRYPTS_WEIGHTS_MIRROR: server.url }, async (folder) => {
    // Root may write anywhere: the process is denied writing instead.
    const readOnly = ["read", "env", "sys", "net", "ffi"].map((what) => `--allow-${what}`);
    readOnly.push("--deny-write");
    const absent = await fetchProcess(readOnly);
    assert.equal(absent.code, 3);
    assert.match(absent.output, /WeightsUnavailableError: .*write.*CRYPTS_WEIGHTS/s);
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeFile(join(folder, SOURCE.file), BYTES);
    const present = await fetchProcess(readOnly);
    assert.deepEqual(present, { code: 0, output: `${join(folder, SOURCE.file)}\n` });
    assert.equal(server.requests.length, 0);
  });
});
