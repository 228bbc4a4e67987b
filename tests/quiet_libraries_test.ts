import assert from "node:assert/strict";

const SCRIPTS = new URL("../scripts/", import.meta.url);
const COMMANDS = ["bench", "bundle_model", "compare", "decide", "export", "infer", "kills"]
  .concat("out_of_fold", "train");

Deno.test("commands silence the libraries before any of these is loaded", async () => {
  for (const name of COMMANDS) {
    const text = await Deno.readTextFile(new URL(`${name}.ts`, SCRIPTS));
    const [, first] = /^(?:import|\} from) .*?"([^"]+)";$/m.exec(text) ?? [];
    assert.equal(first, "./quiet_libraries.ts", `the first import of scripts/${name}.ts`);
  }
});

Deno.test("with them silenced, asking for a GPU writes nothing on standard error", async () => {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const silent = JSON.stringify(new URL("quiet_libraries.ts", SCRIPTS).href);
    await Deno.writeTextFile(script, `import ${silent};\nawait navigator.gpu?.requestAdapter();\n`);
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script],
      env: { XDG_RUNTIME_DIR: "" },
    }).output();
    assert.equal(code, 0);
    assert.doesNotMatch(new TextDecoder().decode(stderr), /XDG_RUNTIME_DIR/);
  } finally {
    await Deno.remove(script);
  }
});
