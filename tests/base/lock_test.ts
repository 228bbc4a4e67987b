import assert from "node:assert/strict";
import { exists } from "../../lib/base/files.ts";
import { FolderLockedError, lockFolder } from "../../lib/base/lock.ts";
import { withFolder } from "../support/temporary.ts";

const LOCK_MODULE = new URL("../../lib/base/lock.ts", import.meta.url).href;

/** A process that locks `folder`, says so, and holds it until it is killed. */
async function holder(folder: string): Promise<Deno.ChildProcess> {
  const code = `import { lockFolder } from ${JSON.stringify(LOCK_MODULE)};
    await lockFolder(${JSON.stringify(folder)}, "training");
    console.log("locked");
    setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", code],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assert.match(new TextDecoder().decode(value), /locked/);
  await reader.cancel();
  return child;
}

Deno.test("the second run is refused by folder and process, a killed one holds nothing", () =>
  withFolder(async (folder) => {
    const child = await holder(`${folder}/models`);
    await assert.rejects(
      lockFolder(`${folder}/models`, "training"),
      (error: Error) =>
        error instanceof FolderLockedError &&
        error.message.includes(`${folder}/models is in use by process ${child.pid} (training)`),
    );
    child.kill("SIGKILL");
    await child.status;
    assert.ok(await exists(`${folder}/models/.lock`), "the dead process has left its file");
    await (await lockFolder(`${folder}/models`, "training")).release();
    assert.ok(!await exists(`${folder}/models/.lock`));
  }));

Deno.test("a process cannot take a folder twice, and can once it is released", () =>
  withFolder(async (folder) => {
    {
      await using _lock = await lockFolder(folder, "cutting patches");
      await assert.rejects(lockFolder(folder, "x"), /is in use by this process \(\d+\) \(cutting/);
      assert.ok(await exists(`${folder}/.lock`), "the refused one has left it in place");
    }
    const lock = await lockFolder(folder, "x");
    await lock.release();
    await lock.release();
  }));

Deno.test("of many that want a folder at once exactly one gets it", () =>
  withFolder(async (folder) => {
    for (let round = 0; round < 5; round++) {
      const tries = await Promise.allSettled(
        Array.from({ length: 8 }, () => lockFolder(folder, "race")),
      );
      const held = tries.flatMap((t) => t.status === "fulfilled" ? [t.value] : []);
      assert.equal(held.length, 1);
      await held[0].release();
    }
  }));

Deno.test("a folder that cannot be made is named", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await assert.rejects(lockFolder(`${folder}/file/x`, "x"), /cannot write .*file\/x/);
  }));
