/**
 * From parsed JSON of unknown shape to checked values, or to a 400 that names
 * the parameter.
 *
 * @module
 */
import type { z } from "@hono/zod-openapi";
import { ApiError, badParameter } from "./api_error.ts";

type Issue = z.core.$ZodIssue;

/**
 * Checks `json` against `schema`.
 *
 * @throws {ApiError} With status 400, about the first thing that is wrong.
 */
export function validate<S extends z.ZodType>(
  schema: S,
  json: unknown,
): z.output<S> {
  const result = schema.safeParse(json, { reportInput: true });
  if (result.success) return result.data;
  const issue = mostSpecific(result.error.issues[0]);
  if (issue.path.length === 0) {
    const message = `Cannot take the body: ${describe(issue)}`;
    throw new ApiError(400, message, { code: codeOf(issue) });
  }
  const param = formatPath(issue.path);
  if (issue.code === "invalid_type" && issue.input === undefined) {
    const code = "missing_required_parameter";
    throw badParameter(param, "it is missing", code);
  }
  throw badParameter(param, describe(issue), codeOf(issue));
}

/** Of a union's branches, the complaint of the one that fitted furthest. */
function mostSpecific(issue: Issue): Issue {
  if (issue.code !== "invalid_union") return issue;
  let best: Issue = issue;
  for (const [first] of issue.errors) {
    if (first === undefined || first.path.length === 0) continue;
    const nested = mostSpecific({
      ...first,
      path: [...issue.path, ...first.path],
    });
    if (nested.path.length > best.path.length) best = nested;
  }
  return best;
}

/** `messages[0].role`, as OpenAI writes it. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

/** Zod's words without its headline: "Too big: expected …" says "expected …". */
function describe(issue: Issue): string {
  if (issue.code === "invalid_key") return issue.issues[0].message;
  return issue.message.replace(/^(?:Invalid|Too)[^:]*: /, "");
}

function codeOf(issue: Issue): string {
  const wrongType = issue.code === "invalid_type" ||
    issue.code === "invalid_union";
  return wrongType ? "invalid_type" : "invalid_value";
}

/** Field to whether a value of it changes nothing, so that it may be ignored. */
export type Unsupported = Readonly<Record<string, (value: unknown) => boolean>>;

/**
 * Refuses fields that would change the answer but are not supported; what is
 * absent or null never does.
 *
 * @throws {ApiError} With status 400, about the first of them.
 */
export function refuseUnsupported(
  fields: object,
  unsupported: Unsupported,
  at = "",
): void {
  for (const [name, isHarmless] of Object.entries(unsupported)) {
    const value = (fields as Record<string, unknown>)[name];
    if (value === undefined || value === null || isHarmless(value)) continue;
    throw badParameter(
      at + name,
      "this server does not support it",
      "unsupported_parameter",
    );
  }
}

/** For {@link Unsupported}: only an empty list changes nothing. */
export function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** For {@link Unsupported}: only these values change nothing. */
export function isOneOf(...values: unknown[]): (value: unknown) => boolean {
  return (value) => values.includes(value);
}
