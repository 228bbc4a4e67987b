import assert from "node:assert/strict";
import { join } from "node:path";
import { PROJECT_ROOT } from "../lib/base/project.ts";

const read = async (name: string) =>
  (await Deno.readTextFile(join(PROJECT_ROOT, name))).split("\n").filter((line) =>
    line !== "" && !line.startsWith("#")
  );

/** The packages of a requirements file; each line is checked to have hashes. */
async function pinsOf(name: string): Promise<Set<string>> {
  const text = (await read(name)).join("\n").replaceAll(/ *\\\n */g, " ");
  const pins = new Set<string>();
  for (const line of text.split("\n")) {
    const match = /^([a-z0-9-]+==[\w.]+)( ; [^#]+?)?(( --hash=sha256:[0-9a-f]{64})+)$/.exec(line);
    assert.ok(match, `${name}: no pin with hashes: ${line.slice(0, 200)}`);
    pins.add(match[1]);
  }
  return pins;
}

Deno.test("every Python package is pinned with its SHA-256, those of requirements.in at their versions", async () => {
  const pins = await pinsOf("requirements.txt"), wanted = await read("requirements.in");
  assert.ok(wanted.some((line) => line.startsWith("jupyterlab==")));
  for (const line of wanted) {
    assert.ok(pins.has(line), `${line} is not in requirements.txt: make it anew`);
  }
  // What they need is there too: pip takes nothing without a hash once there is one.
  assert.ok(pins.size > 10 * wanted.length, `${pins.size} packages`);
});

Deno.test("what notebooks need is a part of what JupyterLab needs, at the same versions", async () => {
  const part = await pinsOf("requirements-notebooks.txt"), all = await pinsOf("requirements.txt");
  for (const pin of part) assert.ok(all.has(pin), `${pin} is not in requirements.txt`);
  for (const line of await read("requirements-notebooks.in")) assert.ok(part.has(line), line);
  assert.ok(part.size < all.size / 2, `${part.size} of ${all.size} packages`);
});
