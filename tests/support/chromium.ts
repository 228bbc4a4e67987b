/** A headless Chromium for tests, driven through its DevTools protocol; no package needed. */

/** The path of an installed Chromium or Chrome (CHROMIUM overrides), or null. */
export const chromiumPath: string | null = (() => {
  const named = Deno.env.get("CHROMIUM");
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  for (const path of named ? [named] : folders.flatMap((f) => names.map((n) => `${f}/${n}`))) {
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch { /* look on */ }
  }
  console.warn("no Chromium found (apt-get install chromium): the browser tests are skipped");
  return null;
})();

/** A page in a running browser. */
export interface Page {
  /** The value of a JavaScript expression in the page; promises are awaited. */
  evaluate<T>(expression: string): Promise<T>;
  /** A mouse event at a place of the page, in CSS pixels. `buttons` 1: the left one is down. */
  mouse(
    type: "mouseMoved" | "mousePressed" | "mouseReleased",
    x: number,
    y: number,
    options?: { buttons?: number; shift?: boolean },
  ): Promise<void>;
  press(key: string): Promise<void>;
  screenshot(path: string): Promise<void>;
  /** Addresses that the page asked for, and the errors it threw or logged. */
  readonly requests: string[];
  readonly complaints: string[];
}

/** Opens `address` in a fresh browser of 1200 x 900, runs `use`, and ends the browser. */
export async function withPage(address: string, use: (page: Page) => Promise<void>): Promise<void> {
  const profile = await Deno.makeTempDir({ prefix: "chromium_" });
  const browser = new Deno.Command(chromiumPath!, {
    args: [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "--window-size=1200,900",
      "about:blank",
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    const connection = await connect(await debuggerAddress(profile));
    try {
      await use(await openPage(connection, address));
    } finally {
      await connection.close();
    }
  } finally {
    browser.kill("SIGKILL");
    await browser.status;
    await Deno.remove(profile, { recursive: true }).catch(() => {});
  }
}

/** The browser writes the port it has chosen into its profile. */
async function debuggerAddress(profile: string): Promise<string> {
  for (let tries = 0; tries < 300; tries++) {
    const text = await Deno.readTextFile(`${profile}/DevToolsActivePort`).catch(() => "");
    const [port, path] = text.split("\n");
    if (path) return `ws://127.0.0.1:${port}${path}`;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("Chromium opened no debugging port within 30 seconds");
}

interface Connection {
  send(method: string, params?: object, sessionId?: string): Promise<Record<string, unknown>>;
  listen(hear: (method: string, params: Record<string, unknown>) => void): void;
  close(): Promise<void>;
}

async function connect(address: string): Promise<Connection> {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`cannot connect to ${address}`));
  });
  let next = 1, hear: (method: string, params: Record<string, unknown>) => void = () => {};
  const waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.id === undefined) return hear(message.method, message.params);
    const answer = waiting.get(message.id)!;
    waiting.delete(message.id);
    if (message.error) answer.reject(new Error(message.error.message));
    else answer.resolve(message.result);
  };
  return {
    send(method, params = {}, sessionId) {
      const id = next++, answer = Promise.withResolvers<Record<string, unknown>>();
      waiting.set(id, answer);
      socket.send(JSON.stringify({ id, method, params, sessionId }));
      return answer.promise;
    },
    listen: (listener) => hear = listener,
    close: () =>
      new Promise((resolve) => {
        socket.onclose = () => resolve();
        socket.close();
      }),
  };
}

async function openPage(connection: Connection, address: string): Promise<Page> {
  const { targetId } = await connection.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await connection.send("Target.attachToTarget", { targetId, flatten: true });
  const send = (method: string, params: object = {}) =>
    connection.send(method, params, sessionId as string);
  const requests: string[] = [], complaints: string[] = [];
  const loaded = Promise.withResolvers<void>();
  connection.listen((method, params) => {
    if (method === "Network.requestWillBeSent") {
      requests.push((params.request as { url: string }).url);
    } else if (
      method === "Runtime.exceptionThrown" ||
      (params.entry as { level?: string } | undefined)?.level === "error"
    ) {
      complaints.push(JSON.stringify(params));
    } else if (method === "Page.loadEventFired") loaded.resolve();
  });
  for (const domain of ["Network", "Runtime", "Log", "Page"]) await send(`${domain}.enable`);
  await send("Page.navigate", { url: address });
  await loaded.promise;
  return {
    requests,
    complaints,
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = await send("Runtime.evaluate", {
        expression,
        returnByValue: true,
        awaitPromise: true,
      }) as { result: { value: T }; exceptionDetails?: object };
      if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
      return result.value;
    },
    async mouse(type, x, y, { buttons = 0, shift = false } = {}) {
      await send("Input.dispatchMouseEvent", {
        type,
        x,
        y,
        buttons,
        button: type === "mouseMoved" ? "none" : "left",
        clickCount: type === "mouseMoved" ? 0 : 1,
        modifiers: shift ? 8 : 0,
      });
    },
    async press(key) {
      for (const type of ["keyDown", "keyUp"]) await send("Input.dispatchKeyEvent", { type, key });
    },
    async screenshot(path) {
      const { data } = await send("Page.captureScreenshot", { format: "png" });
      await Deno.writeFile(path, Uint8Array.from(atob(data as string), (c) => c.charCodeAt(0)));
    },
  };
}
