/**
 * Models from the Hugging Face hub.
 *
 * @module
 */
import { Connections, readChunks } from "./connections.ts";
import type { ModelRequest, ModelSource } from "./model_source.ts";
import { storeStream } from "./store.ts";

/** A file on the hub. */
export interface HubFile {
  /** `owner/name` */
  readonly repo: string;
  /** A commit, branch or tag. */
  readonly revision: string;
  readonly path: string;
}

/** How to reach the hub. */
export interface HubOptions {
  /** Default: the public hub. */
  readonly hubUrl?: string;
  /** Milliseconds within which it has to answer. Default 20,000. */
  readonly answerLimit?: number;
  /** Milliseconds within which more bytes have to come. Default 30,000. */
  readonly stallLimit?: number;
}

/** Gets a file through `@huggingface/hub`. */
export function hubSource(
  file: HubFile,
  { hubUrl, answerLimit = 20_000, stallLimit = 30_000 }: HubOptions = {},
): ModelSource {
  return {
    name: "Hugging Face hub",
    async get(request, signal) {
      const connections = new Connections(answerLimit, signal);
      const params = {
        repo: { type: "model", name: file.repo } as const,
        revision: file.revision,
        path: file.path,
        hubUrl,
        fetch: connections.fetch,
      };
      try {
        // 15 MB, and only the first start needs it.
        const hub = await import("@huggingface/hub");
        const downloadInfo = await hub.fileDownloadInfo(params);
        if (!downloadInfo) throw new Error("it has no such file");
        const { size, etag } = downloadInfo;
        request.log(
          `${file.repo}: ${file.path}, ${(size / 1e6).toFixed(1)} MB`,
        );
        // One plain connection: the parallel protocol holds many chunks in memory.
        const blob = await hub.downloadFile({
          ...params,
          downloadInfo,
          xet: false,
        });
        const chunks = readChunks(blob!.stream(), stallLimit, signal);
        await storeStream(chunks, completed(request, size, etag));
        return request.target;
      } finally {
        await connections.close();
      }
    },
  };
}

/** The request with what the hub knows of the file. The tag of a large file is its SHA-256. */
function completed(
  request: ModelRequest,
  size: number,
  etag: string,
): ModelRequest {
  const sum = /^"?([0-9a-f]{64})"?$/.exec(etag)?.[1] ?? null;
  return {
    ...request,
    size: request.size ?? size,
    sha256: request.sha256 ?? sum,
  };
}
