import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { writePatches } from "../support/training_data.ts";

const SCRIPT = fileURLToPath(new URL("../support/resume_process.ts", import.meta.url));

/** Runs the training process and kills it (SIGKILL) as soon as it prints `until`. */
async function runUntil(list: string, folder: string, until: string): Promise<string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", SCRIPT, list, folder],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines: string[] = [];
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const parts = text.split("\n");
    text = parts.pop()!;
    lines.push(...parts);
    if (parts.includes(until) && until !== "finished") child.kill("SIGKILL");
  }
  const { code, signal } = await child.status;
  if (until === "finished") assert.equal(code, 0);
  else assert.equal(signal, "SIGKILL", `the process ended before "${until}"`);
  return lines;
}

Deno.test("a training killed twice and started again ends with the weights of one never killed, bit for bit", async () => {
  const folder = await Deno.makeTempDir({ prefix: "crypts-resume-" });
  try {
    const list = `${folder}/patches.json`;
    await Deno.writeTextFile(list, JSON.stringify(await writePatches(folder)));
    const whole = runUntil(list, `${folder}/whole`, "finished");
    const killed = `${folder}/killed`;
    await runUntil(list, killed, "fold 0 epoch 2 step 2");
    const second = await runUntil(list, killed, "fold 2 epoch 2 step 1");
    assert.equal(second[0], "fold 0 epoch 2 step 1");
    const third = await runUntil(list, killed, "finished");
    assert.equal(third[0], "fold 2 epoch 2 step 1");
    await whole;
    for (
      const file of [
        "models/small_fold0.safetensors",
        "models/small_fold2.safetensors",
        "models/last/small_fold0.safetensors",
        "models/last/small_fold2.safetensors",
        "logs/small_fold0.csv",
        "logs/small_fold2.csv",
        "logs/small_report.csv",
      ]
    ) {
      const [expected, actual] = await Promise.all(
        ["whole", "killed"].map((run) => Deno.readFile(`${folder}/${run}/${file}`)),
      );
      assert.ok(expected.length > 0);
      assert.equal(await digest(actual), await digest(expected), file);
    }
    const log = (await Deno.readTextFile(`${killed}/logs/small_fold2.csv`)).trim().split("\n");
    assert.equal(log.length, 4);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
