/** Locks between parts of a process and between processes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withLock } from "../../lib/base/wait_lock.ts";
import { withFolder } from "../support/temporary.ts";

Deno.test("one holder at a time, within a process too; who waits is told once", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "a.lock");
    const order: string[] = [];
    let waits = 0;
    const hold = (name: string) =>
      withLock(path, async () => {
        order.push(`${name} in`);
        await new Promise((resolve) => setTimeout(resolve, 300));
        order.push(`${name} out`);
        return name;
      }, { onWait: () => waits++ });
    const first = hold("a");
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(await Promise.all([first, hold("b")]), ["a", "b"]);
    assert.deepEqual(order, ["a in", "a out", "b in", "b out"]);
    assert.equal(waits, 1);
  });
});

Deno.test("a failed work frees the lock; waiting ends when aborted", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "a.lock");
    await assert.rejects(withLock(path, () => Promise.reject(new Error("no"))), /no/);
    const stop = new AbortController();
    await withLock(path, async () => {
      const waiting = withLock(path, () => Promise.resolve(), { signal: stop.signal });
      stop.abort(new Error("enough"));
      await assert.rejects(waiting, /enough/);
    });
    assert.equal(await withLock(path, () => Promise.resolve(1)), 1);
  });
});

Deno.test("a killed process lets go of its lock", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "a.lock");
    const module = new URL("../../lib/base/wait_lock.ts", import.meta.url).href;
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { withLock } from ${JSON.stringify(module)};
         await withLock(${JSON.stringify(path)}, async () => {
           console.log("held");
           await new Promise((resolve) => setTimeout(resolve, 60_000));
         });`,
      ],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    let waited = false;
    const mine = withLock(path, () => Promise.resolve("mine"), { onWait: () => waited = true });
    await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill("SIGKILL");
    assert.equal(await mine, "mine");
    assert.ok(waited);
    await reader.cancel();
    await child.status;
  });
});
