/** A stand-in for `deno` that stops chosen slides once, in the midst of their work. */
import { join } from "node:path";
import { exists } from "crypts/base";

/**
 * A folder of holds and the command that obeys them: the process of a held slide is stopped (SIGSTOP)
 * as soon as the first file of its result is being written or is there, as if its machine hung.
 */
export class Holds {
  readonly command: string;
  private constructor(private readonly folder: string) {
    this.command = join(folder, "deno");
  }

  /** @param out where the results go */
  static async create(folder: string, out: string): Promise<Holds> {
    await Deno.mkdir(folder, { recursive: true });
    const holds = new Holds(folder);
    await Deno.writeTextFile(holds.command, script(folder, out));
    await Deno.chmod(holds.command, 0o755);
    return holds;
  }

  /** The next job of this slide that comes to its first file is held, until {@link release}. */
  async put(slide: string): Promise<void> {
    await Deno.writeTextFile(join(this.folder, `hold-${slide}`), "");
  }

  /** Whether a job of this slide is held or has been. */
  reached(slide: string): Promise<boolean> {
    return exists(join(this.folder, `held-${slide}`));
  }

  async release(slide: string): Promise<void> {
    await Deno.writeTextFile(join(this.folder, `released-${slide}`), "");
  }
}

const script = (folder: string, out: string) =>
  `#!/bin/bash
slide=$(printf '%s\\n' "$@" | sed -n 's|.*/slides/\\(.*\\)\\.csv$|\\1|p')
hold="${folder}/hold-$slide"
if [ -z "$slide" ] || [ ! -e "$hold" ]; then exec "${Deno.execPath()}" "$@"; fi
"${Deno.execPath()}" "$@" &
child=$!
while kill -0 $child 2> /dev/null; do
    # Temporary files are called .part-<process>-…
    if ls "${out}"/*/.part-$child-* "${out}"/*/"$slide".* 2> /dev/null | grep -q .; then
        rm "$hold"
        kill -STOP $child
        touch "${folder}/held-$slide"
        while [ ! -e "${folder}/released-$slide" ]; do sleep 0.5; done
        kill -CONT $child
        break
    fi
    sleep 0.02
done
wait $child
`;
