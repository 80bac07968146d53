/**
 * The one shape in which every failure leaves the server.
 *
 * @module
 */
import {
  ContextLengthError,
  DeviceLostError,
  QueueFullError,
} from "../engine/errors.ts";

/** What a client reads when something went wrong. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** The parameter at fault, as a path such as `messages[0].role`. */
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** What goes with an {@link ApiError} besides its message. */
export interface ApiErrorDetails {
  readonly param?: string;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure with the status and the words for the client. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    message: string,
    readonly details: ApiErrorDetails = {},
  ) {
    super(message);
  }

  body(): ErrorBody {
    const { param = null, code = null } = this.details;
    const type = this.status < 500 ? "invalid_request_error" : "server_error";
    return { error: { message: this.message, type, param, code } };
  }

  response(): Response {
    return Response.json(this.body(), {
      status: this.status,
      headers: this.details.headers,
    });
  }
}

/** 400 for a parameter that cannot be taken. */
export function badParameter(
  param: string,
  state: string,
  code = "invalid_value",
): ApiError {
  return new ApiError(400, `Cannot take ${param}: ${state}`, { param, code });
}

/** 503: not now, but in `seconds` it may work. */
export function unavailable(
  code: string,
  message: string,
  seconds: number,
): ApiError {
  const headers = { "Retry-After": String(seconds) };
  return new ApiError(503, message, { code, headers });
}

/** Seconds after which a device that was lost may be there again. */
const DEVICE_SECONDS = 2;

/**
 * The words for any failure. One that is nobody's mistake but ours goes to
 * `report`, and nothing of it to the client.
 */
export function toApiError(
  error: unknown,
  report: (error: unknown) => void,
): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof QueueFullError) {
    return unavailable("queue_full", error.message, error.retryAfter);
  }
  report(error);
  if (error instanceof DeviceLostError) {
    const message = "Cannot answer: the device that ran the model was lost";
    return unavailable("device_lost", message, DEVICE_SECONDS);
  }
  const message = "Cannot answer: an internal error occurred";
  return new ApiError(500, message, { code: "internal_error" });
}

/**
 * A 400 where the engine refuses a prompt: it is too long, or a RangeError says
 * what else is wrong with it. Any other error as it is.
 *
 * @param error What was thrown before the first event.
 * @param param The parameter that holds the prompt.
 */
export function promptError(error: unknown, param: string): unknown {
  if (error instanceof ContextLengthError) {
    const code = "context_length_exceeded";
    return new ApiError(400, error.message, { param, code });
  }
  if (!(error instanceof RangeError)) return error;
  return new ApiError(400, error.message, { param, code: "invalid_value" });
}
