/** SVG figures compared with the committed ones in tests/snapshots/. */
import assert from "node:assert/strict";

const FOLDER = new URL("../snapshots/", import.meta.url);

/**
 * Fails when `svg` is not, byte for byte, tests/snapshots/<name>.svg. With UPDATE_SNAPSHOTS=1 the file
 * is written instead: look at it before it is committed.
 */
export async function assertSnapshot(name: string, svg: string): Promise<void> {
  const file = new URL(`${name}.svg`, FOLDER);
  if (Deno.env.get("UPDATE_SNAPSHOTS") === "1") {
    await Deno.mkdir(FOLDER, { recursive: true });
    await Deno.writeTextFile(file, svg + "\n");
    return;
  }
  const wanted = await Deno.readTextFile(file).catch(() => {
    throw new Error(
      `no snapshot ${name}.svg: run this test with UPDATE_SNAPSHOTS=1 and look at it`,
    );
  });
  const differs = [...wanted].findIndex((c, i) => c !== svg[i] && i < svg.length);
  assert.ok(
    wanted === svg + "\n",
    `${name}.svg differs from its snapshot at ${differs}: …${
      svg.slice(Math.max(0, differs - 60), differs + 60)
    }…`,
  );
}
