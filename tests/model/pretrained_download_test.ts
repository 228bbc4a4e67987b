/** Downloads against a local server: broken, truncated, redirected, refused, resumed, checked. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { exists } from "../../lib/base/files.ts";
import { download } from "../../lib/model/pretrained/download.ts";
import { serveFile } from "../support/file_server.ts";
import { filesBelow, withFolder } from "../support/temporary.ts";

const BYTES = new Uint8Array(200_000).map((_, i) => (i * 2654435761) >>> 13);
const SHA256 = createHash("sha256").update(BYTES).digest("hex");
const QUICK = { sha256: SHA256, pauseMs: 1 };

/** Downloads from a server of that behaviour; gives the requests and the rejection, if any. */
async function attempt(
  folder: string,
  behaviour: Parameters<typeof serveFile>[1],
  options: Partial<Parameters<typeof download>[2]> = {},
): Promise<{ requests: string[]; error: Error | null; path: string }> {
  const path = join(folder, "weights.pth");
  await using server = serveFile(BYTES, behaviour);
  let error: Error | null = null;
  try {
    await download(`${server.url}/file`, path, { ...QUICK, ...options });
  } catch (caught) {
    error = caught as Error;
  }
  return { requests: server.requests, error, path };
}

async function assertWhole(folder: string, path: string): Promise<void> {
  assert.deepEqual(await Deno.readFile(path), BYTES);
  assert.deepEqual(await filesBelow(folder), ["weights.pth"], "nothing else is left");
}

Deno.test("a file comes whole, with progress, by its checksum's first digits or all of them", async () => {
  for (const sha256 of [SHA256, SHA256.slice(0, 8)]) {
    for (const chunked of [false, true]) {
      await withFolder(async (folder) => {
        const seen: [number, number | null][] = [];
        const { requests, error, path } = await attempt(folder, { chunked }, {
          sha256,
          onProgress: (done, total) => void seen.push([done, total]),
        });
        assert.equal(error, null);
        assert.deepEqual(requests, ["GET /file"]);
        assert.deepEqual(seen[0], [0, chunked ? null : BYTES.length]);
        assert.deepEqual(seen.at(-1), [BYTES.length, chunked ? null : BYTES.length]);
        await assertWhole(folder, path);
      });
    }
  }
});

Deno.test("a redirect is followed", async () => {
  await withFolder(async (folder) => {
    const { requests, error, path } = await attempt(folder, { redirect: true });
    assert.equal(error, null);
    assert.deepEqual(requests, ["GET /file", "GET /elsewhere"]);
    await assertWhole(folder, path);
  });
});

Deno.test("a connection that breaks half-way goes on where it stopped, twice", async () => {
  await withFolder(async (folder) => {
    const { requests, error, path } = await attempt(folder, { breakAfter: 65_536, breaks: 2 });
    assert.equal(error, null);
    assert.equal(requests.length, 3);
    assert.equal(requests[0], "GET /file");
    for (const again of requests.slice(1)) assert.match(again, /^GET \/file bytes=[1-9]\d*-$/);
    await assertWhole(folder, path);
  });
});

Deno.test("where ranges are not supported, it starts again from the beginning", async () => {
  await withFolder(async (folder) => {
    const behaviour = { breakAfter: 65_536, breaks: 1, noRanges: true };
    const { requests, error, path } = await attempt(folder, behaviour);
    assert.equal(error, null);
    assert.equal(requests.length, 2);
    await assertWhole(folder, path);
  });
});

Deno.test("a server that breaks every time: the part stays, and the next call goes on from it", async () => {
  await withFolder(async (folder) => {
    const first = await attempt(folder, { breakAfter: 20_000, breaks: 99 }, { tries: 3 });
    assert.match(first.error!.message, /^http:.*\/file: /);
    assert.equal(first.requests.length, 3);
    assert.deepEqual(await filesBelow(folder), ["weights.pth.part"]);
    const size = (await Deno.stat(`${first.path}.part`)).size;
    assert.ok(size > 0 && size < BYTES.length);
    const second = await attempt(folder, {});
    assert.equal(second.error, null);
    assert.deepEqual(second.requests, [`GET /file bytes=${size}-`]);
    await assertWhole(folder, second.path);
  });
});

Deno.test("a part of another file is found by the checksum, and the file fetched anew", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(join(folder, "weights.pth.part"), new Uint8Array(1000).fill(7));
    const { requests, error, path } = await attempt(folder, {});
    assert.equal(error, null);
    assert.deepEqual(requests, ["GET /file bytes=1000-", "GET /file"]);
    await assertWhole(folder, path);
  });
});

Deno.test("a part longer than the file, and a range that was not asked for, lead to a fresh start", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(join(folder, "weights.pth.part"), new Uint8Array(BYTES.length + 5));
    const { requests, error, path } = await attempt(folder, {});
    assert.equal(error, null);
    assert.deepEqual(requests, [`GET /file bytes=${BYTES.length + 5}-`, "GET /file"]);
    await assertWhole(folder, path);
  });
  await withFolder(async (folder) => {
    await Deno.writeFile(join(folder, "weights.pth.part"), BYTES.subarray(0, 500));
    const { requests, error, path } = await attempt(folder, { wrongRange: 100 });
    assert.equal(error, null);
    assert.deepEqual(requests, ["GET /file bytes=500-", "GET /file"]);
    await assertWhole(folder, path);
  });
});

Deno.test("a wrong checksum is an error that names both, and leaves nothing", async () => {
  await withFolder(async (folder) => {
    const { requests, error } = await attempt(folder, {}, { sha256: "00112233" });
    assert.match(
      error!.message,
      new RegExp(`begins with ${SHA256.slice(0, 8)} instead of 00112233`),
    );
    assert.equal(requests.length, 1, "another try would bring the same");
    assert.deepEqual(await filesBelow(folder), []);
  });
});

Deno.test("a body that ends early without an error is not taken for the file", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "weights.pth");
    // A raw socket: Deno's server never sends less than it announced.
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const serving = (async () => {
      for await (const connection of listener) {
        await connection.read(new Uint8Array(4096));
        const head = `HTTP/1.1 200 OK\r\nContent-Length: ${BYTES.length}\r\n\r\n`;
        await connection.write(new TextEncoder().encode(head));
        await connection.write(BYTES.subarray(0, 1000));
        connection.close();
      }
    })();
    const url = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/file`;
    await assert.rejects(download(url, path, { ...QUICK, tries: 2 }), /\/file: /);
    listener.close();
    await serving;
    assert.ok(!await exists(path));
  });
});

Deno.test("404 and 403 are final, 500 and 503 are tried again", async () => {
  for (const [status, tries] of [[404, 1], [403, 1], [500, 3], [503, 3]]) {
    await withFolder(async (folder) => {
      const { requests, error } = await attempt(folder, { status }, { tries: 3 });
      assert.match(error!.message, new RegExp(`the server answered ${status}`));
      assert.equal(requests.length, tries, `${status}`);
      assert.deepEqual(await filesBelow(folder), []);
    });
  }
});

Deno.test("a server that says nothing more, and one that is not there, are errors in finite time", async () => {
  await withFolder(async (folder) => {
    const { error } = await attempt(folder, { silent: true }, { tries: 1, idleMs: 100 });
    assert.match(error!.message, /nothing came for 100 ms/);
    const nobody = download("http://127.0.0.1:9/file", join(folder, "x"), { ...QUICK, tries: 2 });
    await assert.rejects(nobody, /127\.0\.0\.1:9\/file: /);
  });
});

Deno.test("aborting stops the download with the signal's reason and keeps the part", async () => {
  await withFolder(async (folder) => {
    const stop = new AbortController();
    const { error } = await attempt(folder, { slowMs: 5 }, {
      signal: stop.signal,
      onProgress: (done) => done > 50_000 && stop.abort(new Error("stopped by the user")),
    });
    assert.equal(error!.message, "stopped by the user");
    assert.deepEqual(await filesBelow(folder), ["weights.pth.part"]);
  });
});

Deno.test("a folder that cannot be made or written is an error at once", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    await using server = serveFile(BYTES);
    const path = join(folder, "file", "weights.pth");
    await assert.rejects(download(`${server.url}/file`, path, QUICK), (error: Error) => {
      assert.match(error.message, /file|directory/i);
      return true;
    });
  });
});
