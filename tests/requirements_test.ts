import assert from "node:assert/strict";
import { join } from "node:path";
import { PROJECT_ROOT } from "../lib/base/project.ts";

const read = async (name: string) =>
  (await Deno.readTextFile(join(PROJECT_ROOT, name))).split("\n").filter((line) =>
    line !== "" && !line.startsWith("#")
  );

Deno.test("every Python package is pinned with its SHA-256, those of requirements.in at their versions", async () => {
  const text = (await read("requirements.txt")).join("\n").replaceAll(/ *\\\n */g, " ");
  const pins = new Set<string>();
  for (const line of text.split("\n")) {
    const match = /^([a-z0-9-]+==[\w.]+)( ; [^#]+?)?(( --hash=sha256:[0-9a-f]{64})+)$/.exec(line);
    assert.ok(match, `no pin with hashes: ${line.slice(0, 200)}`);
    pins.add(match[1]);
  }
  const wanted = await read("requirements.in");
  assert.ok(wanted.some((line) => line.startsWith("jupyterlab==")));
  for (const line of wanted) {
    assert.ok(pins.has(line), `${line} is not in requirements.txt: make it anew`);
  }
  // What they need is there too: pip takes nothing without a hash once there is one.
  assert.ok(pins.size > 10 * wanted.length, `${pins.size} packages`);
});
