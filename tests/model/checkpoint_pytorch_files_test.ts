/** Files that PyTorch 2.13 itself wrote (tests/reference/checkpoints.py), value by value. */
import assert from "node:assert/strict";
import { openWeights } from "../../lib/model/checkpoint/open.ts";
import reference from "../reference/checkpoints.json" with { type: "json" };
import { withFolder } from "../support/temporary.ts";

interface Case {
  file: string;
  weights_only: boolean;
  tensors: Record<string, [number[], number[]]> | null;
}

const CASES: Record<string, Case> = reference.cases as unknown as Record<string, Case>;

/** What is no state_dict of tensors, and why it is refused. */
const REFUSED: Record<string, RegExp> = {
  "a pickled model": /holds a __main__\.Net; only tensors, .*save model\.state_dict\(\)/s,
  "a pickled model, legacy format": /holds a __main__\.Net; .*save model\.state_dict\(\)/s,
  "a tensor alone": /no state_dict/,
  "numbers alone": /no state_dict/,
  "TorchScript": /TorchScript archive: save model\.state_dict\(\)/,
};

Deno.test("state_dicts in files of PyTorch 2.13 have PyTorch's names, shapes and values", async () => {
  await withFolder(async (folder) => {
    let safe = 0;
    for (const [name, { file, tensors, weights_only }] of Object.entries(CASES)) {
      if (tensors === null) continue;
      safe += Number(weights_only);
      // The extension does not matter: the content decides.
      for (const extension of ["pth", "ckpt", "bin", "tar"]) {
        const path = `${folder}/a.${extension}`;
        await Deno.writeFile(path, Uint8Array.fromBase64(file));
        const opened = await openWeights(path);
        const got = Object.fromEntries(
          [...opened.tensors].map(([key, t]) => [key, [t.shape, [...t.read()]]]),
        );
        assert.deepEqual(got, tensors, name);
      }
    }
    assert.equal(safe, 19, "cases that PyTorch's own weights_only loader takes, and so does ours");
  });
});

Deno.test("files of PyTorch that hold no state_dict are refused with the file and the reason", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.pt`;
    const without = Object.keys(CASES).filter((name) => CASES[name].tensors === null);
    assert.deepEqual(without.sort(), Object.keys(REFUSED).sort());
    for (const name of without) {
      await Deno.writeFile(path, Uint8Array.fromBase64(CASES[name].file));
      await assert.rejects(() => openWeights(path), (error: Error) => {
        assert.ok(error.message.startsWith(path), error.message);
        assert.match(error.message, REFUSED[name], name);
        return true;
      });
    }
  });
});
