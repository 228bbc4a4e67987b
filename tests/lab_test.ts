/** The notebooks in a real JupyterLab that does not trust them, in headless Chromium. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { PROJECT_ROOT } from "../lib/base/project.ts";
import { ensureJupyter, KERNEL, venvProgram } from "../scripts/jupyter.ts";
import { NOTEBOOKS } from "../scripts/notebooks.ts";
import { chromiumPath, type Page, withPage } from "./support/chromium.ts";
import { withFolder } from "./support/temporary.ts";

const PICTURES = Deno.env.get("CRYPTS_SCREENSHOTS"); // a folder for pictures of what the tests saw

/** Everything of a notebook is drawn, also what is not on the screen: so that a test can see it. */
const TRACKER = { windowingMode: "none" };

/** Runs JupyterLab on `root`, with settings and trust of its own, and opens `path` in a browser. */
async function withLab(
  root: string,
  path: string,
  use: (page: Page) => Promise<void>,
  { theme = "JupyterLab Light", trusted = [] as string[] } = {},
): Promise<void> {
  await ensureJupyter("lab");
  await withFolder(async (folder) => {
    const settings = join(folder, "settings/@jupyterlab");
    const write = async (plugin: string, name: string, value: object) => {
      await Deno.mkdir(join(settings, plugin), { recursive: true });
      await Deno.writeTextFile(
        join(settings, plugin, `${name}.jupyterlab-settings`),
        JSON.stringify(value),
      );
    };
    await write("notebook-extension", "tracker", TRACKER);
    await write("apputils-extension", "themes", { theme });
    await write("apputils-extension", "notification", {
      fetchNews: "false",
      checkForUpdates: false,
    });
    // A data folder of its own: only what is trusted here is trusted there.
    const env = {
      JUPYTER_DATA_DIR: join(folder, "data"),
      JUPYTER_RUNTIME_DIR: join(folder, "runtime"),
    };
    if (trusted.length > 0) {
      const jupyter = new Deno.Command(venvProgram("jupyter"), {
        args: ["trust", ...trusted],
        env,
      });
      assert.ok((await jupyter.output()).success);
    }
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }), { port } = listener.addr;
    listener.close();
    const server = new Deno.Command(venvProgram("jupyter"), {
      args: [
        ...["lab", "--no-browser", "--allow-root", "--expose-app-in-browser", `--port=${port}`],
        ...["--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=lab", `--notebook-dir=${root}`],
        `--LabApp.user_settings_dir=${join(folder, "settings")}`,
        `--LabApp.workspaces_dir=${join(folder, "workspaces")}`,
      ],
      env,
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const base = `http://127.0.0.1:${port}`;
      await until("JupyterLab answers", async () => {
        const response = await fetch(`${base}/api?token=lab`).catch(() => null);
        await response?.body?.cancel();
        return response?.ok ?? false;
      });
      await withPage(`${base}/lab/tree/${path}?token=lab`, use);
    } finally {
      server.kill("SIGTERM");
      await server.status;
    }
  });
}

async function until(what: string, holds: () => Promise<boolean>, seconds = 60): Promise<void> {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited ${seconds} s, but not: ${what}`);
}

/** Waits until an expression is true in the page. */
const shown = (page: Page, what: string, expression: string) =>
  until(what, () => page.evaluate<boolean>(`Boolean(${expression})`));

const CELLS = `document.querySelectorAll(".jp-Notebook .jp-Cell")`;

/** Pictures that were drawn, outputs of which nothing can be seen, and JupyterLab's complaints. */
interface Seen {
  pictures: number;
  broken: string[];
}

const LOOK = `(() => {
  const broken = [];
  let pictures = 0;
  for (const area of document.querySelectorAll(".jp-Notebook .jp-OutputArea-child")) {
    const output = area.querySelector(".jp-OutputArea-output");
    const images = [...area.querySelectorAll("img")];
    pictures += images.length;
    const blank = !output || output.getBoundingClientRect().height < 5;
    const unread = images.some((image) => image.complete && image.naturalWidth === 0);
    if (blank || unread) broken.push((output ?? area).outerHTML.slice(0, 200));
  }
  return { pictures, broken };
})()`;

/** How many outputs of a committed notebook are a picture; HTML goes before a picture in JupyterLab. */
async function picturesOf(name: string): Promise<number> {
  const path = join(PROJECT_ROOT, "notebooks", `${name}.ipynb`);
  const { cells } = JSON.parse(await Deno.readTextFile(path)) as {
    cells: { outputs?: { data?: Record<string, unknown> }[] }[];
  };
  return cells.flatMap((cell) => cell.outputs ?? [])
    .filter(({ data }) => Object.keys(data ?? {}).some((type) => type.startsWith("image/")))
    .filter(({ data }) => !("text/html" in data!)).length;
}

const skipped = chromiumPath === null;

for (const theme of ["JupyterLab Light", "JupyterLab Dark"]) {
  Deno.test({
    name: `no output of the notebooks is blank where they are not trusted (${theme})`,
    ignore: skipped,
    async fn() {
      await withLab(PROJECT_ROOT, `notebooks/${NOTEBOOKS[0]}.ipynb`, async (page) => {
        for (const name of NOTEBOOKS) {
          await shown(page, "JupyterLab started", "window.jupyterapp?.shell?.currentWidget");
          await page.evaluate(
            `window.jupyterapp.commands.execute("docmanager:open", ` +
              `{ path: "notebooks/${name}.ipynb" }).then(() => true)`,
          );
          const wanted = await picturesOf(name);
          await page.evaluate(
            `window.jupyterapp.commands.execute("application:close-other-tabs")` +
              `.then(() => true)`,
          ).catch(() => {});
          await shown(page, `${name} is drawn`, `${CELLS}.length > 3`);
          await until(
            `${name} has its ${wanted} pictures`,
            async () => (await page.evaluate<Seen>(LOOK)).pictures >= wanted,
          );
          const { broken } = await page.evaluate<Seen>(LOOK);
          assert.deepEqual(broken, [], name);
          if (PICTURES) await page.screenshot(join(PICTURES, `${name} ${theme}.png`));
        }
      }, { theme });
    },
  });
}

/** A notebook with a loop of 60 seconds that says when it has begun. */
const LOOP = `import { interruptSignal } from ${
  JSON.stringify(pathToFileURL(join(PROJECT_ROOT, "lib/notebook/interrupt.ts")).href)
};
const loop = async (steps: number) => {
  const signal = interruptSignal();
  console.log("begun", steps);
  for (let i = 0; i < steps; i++) {
    signal.throwIfAborted();
    await new Promise((r) => setTimeout(r, 50));
  }
  console.log("ended", steps);
};`;

Deno.test({
  name: "the stop button of JupyterLab ends a loop, the kernel lives on, and the cell runs again",
  ignore: skipped,
  async fn() {
    await withFolder(async (root) => {
      const cell = (id: string, source: string) => ({
        ...{ cell_type: "code", id, metadata: {}, execution_count: null, outputs: [] },
        source,
      });
      await Deno.writeTextFile(
        join(root, "stop.ipynb"),
        JSON.stringify({
          cells: [
            cell("a", LOOP),
            cell(
              "b",
              "globalThis.runs = (globalThis.runs ?? 0) + 1;\n" +
                "await loop(globalThis.runs === 1 ? 1200 : 4);",
            ),
          ],
          metadata: { kernelspec: { name: KERNEL, display_name: "Crypts (Deno)" } },
          ...{ nbformat: 4, nbformat_minor: 5 },
        }),
      );
      await withLab(root, "stop.ipynb", async (page) => {
        await shown(page, "the notebook is open", `${CELLS}.length === 2`);
        const command = (name: string) =>
          page.evaluate(`void window.jupyterapp.commands.execute(${JSON.stringify(name)})`);
        const text = `document.querySelector(".jp-Notebook").innerText`;
        await shown(
          page,
          "the kernel is ready",
          `window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === "idle"`,
        );
        await command("notebook:run-all-cells");
        await shown(page, "the loop runs", `${text}.includes("begun 1200")`);
        // The button itself, as a user presses it.
        const [x, y] = await page.evaluate<[number, number]>(`(() => {
          const item = document.querySelector('.jp-NotebookPanel-toolbar [data-jp-item-name="interrupt"]');
          const { left, top, width, height } = item.getBoundingClientRect();
          return [left + width / 2, top + height / 2];
        })()`);
        await page.mouse("mouseMoved", x, y);
        await page.mouse("mousePressed", x, y, { buttons: 1 });
        await page.mouse("mouseReleased", x, y);
        await shown(
          page,
          "the cell says that it was stopped",
          `/stopped by the stop button/.test(${text})`,
        );
        if (PICTURES) await page.screenshot(join(PICTURES, "stopped.png"));
        await page.evaluate(`window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1`);
        await command("notebook:run-cell");
        await shown(page, "the cell runs again to its end", `${text}.includes("ended 4")`);
        assert.equal(await page.evaluate(`/ended 1200/.test(${text})`), false);
        if (PICTURES) await page.screenshot(join(PICTURES, "run again.png"));
      });
    });
  },
});

Deno.test({
  name:
    "the explorable figure lives where the notebook is trusted, and a sentence says so where it is not",
  ignore: skipped,
  async fn() {
    const path = "notebooks/Viz.ipynb", trusted = [join(PROJECT_ROOT, path)];
    const points =
      `document.querySelector("[data-explorable]")?.shadowRoot?.querySelector(".figure")`;
    await withLab(PROJECT_ROOT, path, async (page) => {
      await shown(page, "the figure has drawn itself", points);
      if (PICTURES) {
        await page.evaluate(`document.querySelector("[data-explorable]").scrollIntoView()`);
        await page.screenshot(join(PICTURES, "explorable.png"));
      }
    }, { trusted });
    await withLab(PROJECT_ROOT, path, async (page) => {
      await shown(page, "the notebook is drawn", `${CELLS}.length > 3`);
      await shown(
        page,
        "a sentence says where it lives",
        `document.querySelector(".jp-Notebook").innerText.includes("where scripts run")`,
      );
      assert.equal(await page.evaluate(`Boolean(${points})`), false);
    });
  },
});
