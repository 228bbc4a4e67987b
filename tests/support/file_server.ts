/** A local HTTP server of one file that misbehaves on demand. */

/** What a request is answered with; see {@link serveFile}. */
export interface Behaviour {
  /** Ignores Range headers. Default false. */
  noRanges?: boolean;
  /** Breaks the connection after so many bytes of a body; for the given number of requests. */
  breakAfter?: number;
  breaks?: number;
  /** Says `Content-Length` of the whole file, sends fewer bytes and ends properly. */
  status?: number;
  /** Answers `/file` with a redirect to `/elsewhere`. */
  redirect?: boolean;
  /** No Content-Length: the body comes in chunks. */
  chunked?: boolean;
  /** Waits before each piece. */
  slowMs?: number;
  /** Sends the headers and then nothing. */
  silent?: boolean;
  /** The range that a 206 answer claims and sends, whatever was asked for. */
  wrongRange?: number;
}

/** The server, its address and the requests it has seen. */
export interface FileServer {
  url: string;
  /** `METHOD path range` of each request. */
  requests: string[];
  behaviour: Behaviour;
  [Symbol.asyncDispose](): Promise<void>;
}

const PIECE = 16 * 1024;

/** What breaks a body; without a stack, which Deno would print. */
const QUIET = Object.assign(new Error("broken on purpose"), { stack: "" });

/** Serves `bytes` under any path on a free port of this machine. */
export function serveFile(bytes: Uint8Array, behaviour: Behaviour = {}): FileServer {
  const requests: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    const range = request.headers.get("range");
    requests.push(`${request.method} ${pathname}${range ? ` ${range}` : ""}`);
    const { behaviour } = result;
    if (behaviour.status) return new Response("no", { status: behaviour.status });
    if (behaviour.redirect && pathname !== "/elsewhere") {
      return new Response(null, { status: 302, headers: { location: "/elsewhere" } });
    }
    const asked = behaviour.noRanges ? 0 : Number(range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
    if (asked >= bytes.length) return new Response(null, { status: 416 });
    const from = asked > 0 && behaviour.wrongRange !== undefined ? behaviour.wrongRange : asked;
    const headers = new Headers();
    if (!behaviour.chunked) headers.set("content-length", `${bytes.length - from}`);
    if (asked > 0) {
      headers.set("content-range", `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
    }
    return new Response(body(bytes.subarray(from), behaviour), {
      status: asked > 0 ? 206 : 200,
      headers,
    });
  });
  const result: FileServer = {
    url: `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}`,
    requests,
    behaviour,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return result;
}

function body(bytes: Uint8Array, behaviour: Behaviour): ReadableStream<Uint8Array> {
  const breaks = (behaviour.breaks ?? 0) > 0;
  if (breaks) behaviour.breaks!--;
  const end = breaks ? Math.min(behaviour.breakAfter ?? 0, bytes.length) : bytes.length;
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      if (behaviour.silent) {
        await new Promise((resolve) => setTimeout(resolve, 400));
        return controller.error(QUIET);
      }
      if (behaviour.slowMs) await new Promise((resolve) => setTimeout(resolve, behaviour.slowMs));
      if (at >= end) {
        if (breaks) controller.error(QUIET);
        else controller.close();
        return;
      }
      const next = Math.min(at + PIECE, end);
      controller.enqueue(bytes.slice(at, next));
      at = next;
    },
  });
}
