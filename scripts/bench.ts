/** Runs the benchmarks of `bench/` one after another: `deno task bench [NAME…]`. */
import "./quiet_libraries.ts";
import { join } from "node:path";
import { PROJECT_ROOT } from "crypts/base";

const folder = join(PROJECT_ROOT, "bench");
const all = [...Deno.readDirSync(folder)]
  .map((entry) => entry.name)
  .filter((name) => name.endsWith(".ts") && name !== "machine.ts" && name !== "clusters.ts")
  .map((name) => name.slice(0, -3))
  .sort();
const unknown = Deno.args.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark "${unknown[0]}"; there are ${all.join(", ")}`);
  Deno.exit(2);
}
for (const name of Deno.args.length > 0 ? Deno.args : all) {
  console.log(`\n# ${name}`);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(folder, `${name}.ts`)],
  }).spawn().status;
  if (!success) Deno.exit(1);
}
