import assert from "node:assert/strict";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../lib/base/project.ts";
import { InterruptedError, interruptFile, interruptSignal } from "../../lib/notebook/interrupt.ts";
import { ensureJupyter, KERNEL, venvProgram } from "../../scripts/jupyter.ts";
import { withFolder } from "../support/temporary.ts";

Deno.test("a press of the stop button aborts the signal of the running loop, once", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "interrupt");
    Deno.env.set("CRYPTS_INTERRUPT", file);
    try {
      await Deno.writeTextFile(file, "");
      assert.equal(interruptFile(), file);
      assert.throws(() => Deno.statSync(file), Deno.errors.NotFound, "an old press is forgotten");
      const [ended, running] = [interruptSignal(), interruptSignal()];
      await Deno.writeTextFile(file, "");
      for (let i = 0; i < 100 && !running.aborted; i++) await new Promise((r) => setTimeout(r, 50));
      assert.ok(running.reason instanceof InterruptedError);
      assert.ok(!ended.aborted, "the loop of an earlier cell is not meant");
      assert.ok(!interruptSignal().aborted);
    } finally {
      Deno.env.delete("CRYPTS_INTERRUPT");
    }
  });
});

Deno.test("outside of the project's kernel there is no file and no abort", () => {
  assert.equal(interruptFile(), undefined);
  assert.equal(interruptSignal().aborted, false);
});

/** Starts the kernel as Jupyter does, interrupts a running cell, and runs another. */
const SCRIPT = `
import sys, time
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name=sys.argv[1], cwd=sys.argv[2])

def run(code, interrupt=False):
    ident, text, began = client.execute(code), [], time.time()
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != ident: continue
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            text.append(content["text"])
            if interrupt and "running" in content["text"]: manager.interrupt_kernel()
        if kind == "error": text.append(content["ename"] + ": " + content["evalue"])
        if kind == "status" and content["execution_state"] == "idle": break
    reply = client.get_shell_msg(timeout=60)
    return reply["content"]["status"], "".join(text)

run('import { interruptSignal } from "crypts/notebook";')
print(run('''
const signal = interruptSignal();
console.log("running");
for (let i = 0; i < 600; i++) { signal.throwIfAborted(); await new Promise((r) => setTimeout(r, 50)); }
console.log("never stopped");
''', interrupt=True))
print(run('console.log("alive", 6 * 7)'))
client.stop_channels()
manager.shutdown_kernel()
`;

Deno.test("the stop button ends a loop with an error and leaves the kernel alive (real kernel)", async () => {
  await ensureJupyter("notebooks");
  const { success, stdout, stderr } = await new Deno.Command(venvProgram("python"), {
    args: ["-c", SCRIPT, KERNEL, join(PROJECT_ROOT, "notebooks")],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.ok(success, new TextDecoder().decode(stderr));
  assert.match(text, /running[^]*stopped by the stop button/);
  assert.doesNotMatch(text, /never stopped/);
  assert.match(text, /'ok', 'alive 42/);
});
