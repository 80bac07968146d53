/**
 * A server on this machine that answers like the Hugging Face hub, well or badly.
 *
 * @module
 */

/** What goes wrong with a download. */
export type HubFault =
  /** The body ends early, as if it were whole. */
  | "short"
  /** The connection breaks in the middle. */
  | "broken"
  /** The connection stays open, but nothing more comes. */
  | "stalled"
  /** Not even the first answer comes. */
  | "silent";

/** A running server. */
export interface HubServer extends AsyncDisposable {
  readonly url: string;
  /** Method, path and range of each request. */
  readonly requests: readonly string[];
}

/**
 * Serves files under the paths of the hub.
 *
 * @param files By path, e.g. `/owner/repo/resolve/main/model.gguf`.
 */
export function serveHub(
  files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
  { fault = null, etag = '"etag"' }: {
    readonly fault?: HubFault | null;
    readonly etag?: string;
  } = {},
): HubServer {
  const requests: string[] = [];
  const over = Promise.withResolvers<void>();
  const server = Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      onError: () => new Response(),
    },
    async (request) => {
      const { pathname } = new URL(request.url);
      const range = request.headers.get("range");
      requests.push([request.method, pathname, range ?? "all"].join(" "));
      if (fault === "silent") await over.promise;
      const file = files[pathname];
      if (!file) {
        return new Response("Entry not found", {
          status: 404,
          headers: { "x-error-code": "EntryNotFound" },
        });
      }
      if (range) return probe(file, etag);
      return new Response(body(file, fault, over.promise), {
        headers: { etag },
      });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      over.resolve();
      await server.shutdown();
    },
  };
}

/** The first byte, from which the library learns the size. */
function probe(file: Uint8Array<ArrayBuffer>, etag: string): Response {
  return new Response(file.subarray(0, 1), {
    status: 206,
    headers: { "content-range": `bytes 0-0/${file.length}`, etag },
  });
}

function body(
  file: Uint8Array<ArrayBuffer>,
  fault: HubFault | null,
  over: Promise<void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const half = file.subarray(0, file.length >> 1);
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(half);
      if (fault === "broken") {
        // Let the first half be sent before.
        await new Promise((done) => setTimeout(done, 50));
        return controller.error(new Error("broken on purpose"));
      }
      if (fault === "stalled") await over;
      if (fault === null) controller.enqueue(file.subarray(half.length));
      controller.close();
    },
  });
}
