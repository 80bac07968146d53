/**
 * The HTTP application: pure, it listens nowhere and reads no environment.
 *
 * @module
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import { bearerAuth } from "../src/http/bearer_auth.ts";
import {
  type EngineProvider,
  engineSource,
} from "../src/http/engine_source.ts";
import { Lifecycle } from "../src/http/lifecycle.ts";
import { DEFAULT_LIMITS, type Limits } from "../src/http/limits.ts";
import { ApiError, toApiError } from "../src/openai/api_error.ts";
import { chatCompletions } from "./chat_completions.ts";
import { completions } from "./completions.ts";
import type { Endpoint } from "./endpoint.ts";
import { health } from "./health.ts";
import { model, models } from "./models.ts";
import { openApiDocument } from "./openapi.ts";
import type { Services } from "./services.ts";

const ENDPOINTS: readonly Endpoint[] = [
  chatCompletions,
  completions,
  models,
  model,
  health,
];

/** What an application is made from. */
export interface AppOptions {
  readonly engine: EngineProvider;
  /** Keys of which every request but `/health` must show one; none: no keys. */
  readonly apiKeys?: readonly string[];
  /** Origins whose pages may call; `*` for all; none: no CORS headers. */
  readonly corsOrigins?: readonly string[];
  readonly limits?: Partial<Limits>;
  /** Where the server's life ends; a new one of its own by default. */
  readonly lifecycle?: Lifecycle;
  /** Takes failures that no client caused; by default they go to the console. */
  readonly report?: (error: unknown) => void;
}

/** The application; its `fetch` answers requests. */
export function createApp(options: AppOptions): OpenAPIHono {
  const report = options.report ?? console.error;
  const services: Services = {
    engine: engineSource(options.engine, report),
    lifecycle: options.lifecycle ?? new Lifecycle(),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    report,
  };
  const app = new OpenAPIHono();
  app.onError((error) => toApiError(error, report).response());
  app.notFound((c) => {
    throw unknownPath(c.req.method, c.req.path);
  });
  useGates(app, options, services);
  for (const endpoint of ENDPOINTS) {
    mount(app, endpoint, services);
  }
  let document: object | null = null;
  app.get("/openapi.json", (c) => c.json(document ??= openApiDocument(app)));
  refuseOthers(app, "/openapi.json", "get");
  return app;
}

/** What a request passes on its way to any endpoint. */
function useGates(
  app: OpenAPIHono,
  { corsOrigins = [], apiKeys = [] }: AppOptions,
  { lifecycle }: Services,
): void {
  if (corsOrigins.length > 0) {
    const origin = corsOrigins.includes("*") ? "*" : [...corsOrigins];
    app.use("*", cors({ origin, exposeHeaders: ["Retry-After"] }));
  }
  if (apiKeys.length > 0) app.use("*", bearerAuth(apiKeys, ["/health"]));
  app.use("*", async (_, next) => {
    lifecycle.admit();
    await next();
  });
}

function mount(
  app: OpenAPIHono,
  { definition, handler }: Endpoint,
  services: Services,
): void {
  app.openAPIRegistry.registerPath(definition);
  const path = definition.getRoutingPath();
  app.on(definition.method, path, handler(services));
  refuseOthers(app, path, definition.method);
}

/** 405 for the methods that `path` does not have. */
function refuseOthers(app: OpenAPIHono, path: string, method: string): void {
  const allow = method === "get" ? "GET, HEAD" : method.toUpperCase();
  app.all(path, (c) => {
    const message = `Cannot ${c.req.method} ${c.req.path}: it takes ${allow}`;
    throw new ApiError(405, message, {
      code: "method_not_allowed",
      headers: { Allow: allow },
    });
  });
}

function unknownPath(method: string, path: string): ApiError {
  const message = `Cannot ${method} ${path}: there is no such path`;
  return new ApiError(404, message, { code: "unknown_path" });
}
