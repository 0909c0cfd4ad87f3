/** Requests to the REST API, and what its refusals mean. */
import { endSession, readToken } from "./session";

export type Json = Record<string, unknown>;

export interface FieldError {
  field: string;
  message: string;
}

// The files are in /console/assets, whatever precedes /console in the address.
export const API = new URL(import.meta.env.DEV ? "/api" : "../../api", import.meta.url).href;

const TIMEOUT = 30_000; // API Gateway gives up after 29 seconds

/** Who changed something first, if that is known, and when. */
export interface Change {
  by: string | null;
  at: string;
}

/** An answer that is no success. `code` never changes; `detail` is English, for the details. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly errors: FieldError[] = [],
    readonly retryAfter?: number,
    readonly change?: Change,
  ) {
    super(code);
    this.name = "Problem";
  }

  /** Somebody else was first: what is shown is not how things stand. */
  get isConflict(): boolean {
    return this.status === 409 || this.status === 412;
  }
}

export interface Options {
  method?: string;
  query?: Record<string, string | number | boolean | readonly string[] | null | undefined>;
  body?: unknown;
  /** A file, sent as it is. */
  file?: Blob;
  form?: FormData;
  /** The version that the change is about. */
  etag?: string | null;
  /** Repeating a request with the same key has no further effect. */
  once?: string;
  signal?: AbortSignal;
  token?: string;
}

export interface Answer<T> {
  data: T;
  etag: string | null;
  headers: Headers;
}

/** A new Idempotency-Key: one for each click, kept while the click is tried again. */
export const newKey = (): string => crypto.randomUUID();

export async function request<T>(path: string, options: Options = {}): Promise<Answer<T>> {
  const url = new URL(`${API}${path}`);
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value === null || value === undefined || value === "") continue;
    const text = Array.isArray(value) ? value.join(",") : String(value);
    if (text) url.searchParams.set(name, text);
  }
  const token = options.token ?? readToken();
  const headers = new Headers({ Accept: "application/json" });
  if (token) headers.set("Authorization", `Token ${token}`);
  if (options.etag) headers.set("If-Match", options.etag);
  if (options.once) headers.set("Idempotency-Key", options.once);
  let body: BodyInit | undefined;
  if (options.body !== undefined) {
    headers.set("Content-Type", "application/json");
    body = JSON.stringify(options.body);
  } else if (options.file) {
    headers.set("Content-Type", "application/octet-stream");
    body = options.file;
  } else if (options.form) body = options.form;
  const timeout = AbortSignal.timeout(TIMEOUT);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  let response: Response;
  try {
    response = await fetch(url, {
      method: options.method ?? "GET",
      headers,
      body,
      signal,
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
  } catch (failure) {
    if (options.signal?.aborted) throw failure;
    throw new Problem(0, timeout.aborted ? "no_answer" : "offline", String(failure));
  }
  if (!response.ok) throw await problemOf(response, options.token !== undefined);
  const text = response.status === 204 ? "" : await response.text();
  return {
    data: (text ? JSON.parse(text) : null) as T,
    etag: response.headers.get("ETag"),
    headers: response.headers,
  };
}

async function problemOf(response: Response, trying: boolean): Promise<Problem> {
  let found: Json = {};
  try {
    found = (await response.json()) as Json;
  } catch {
    // No JSON: something between us and the API has answered.
  }
  const code = typeof found.code === "string" ? found.code : `http_${response.status}`;
  // `chalice local` has words of its own for a token that is unknown, and 403 also for a path that is.
  const words = String(found.Message ?? "");
  const unknown =
    response.status === 401 || code === "not_allowed" || words.startsWith("User is not authorized");
  const retryAfter = Number(response.headers.get("Retry-After")) || undefined;
  if (unknown && !trying) endSession();
  return new Problem(
    unknown ? 401 : response.status,
    unknown ? "signed_out" : code,
    typeof found.detail === "string" ? found.detail : "",
    Array.isArray(found.errors) ? (found.errors as FieldError[]) : [],
    retryAfter,
    typeof found.changed_at === "string"
      ? { by: typeof found.changed_by === "string" ? found.changed_by : null, at: found.changed_at }
      : undefined,
  );
}
