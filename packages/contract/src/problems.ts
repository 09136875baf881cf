/** One kind of problem: what every answer of this kind says. */
export interface ProblemKind {
  /** HTTP status code. */
  status: number
  title: string
  /** Told at `/problems/{code}`: what happened and what the caller can do. */
  explanation: string
}

/** Every problem this API can answer with, by its stable `code` (RFC 9457). */
export const PROBLEMS = {
  malformed_json: {
    status: 400,
    title: 'The body is not JSON',
    explanation:
      'The body could not be read as JSON in UTF-8. `detail` says where reading stopped. Repair the body and send it again.',
  },
  malformed_request: {
    status: 400,
    title: 'The request is malformed',
    explanation:
      'The request breaks the rules of HTTP or of its URL, for example by a broken percent-encoding.',
  },
  unauthenticated: {
    status: 401,
    title: 'The request has no valid key',
    explanation:
      'This takes an API key, or a token of the issuer that the service trusts, in the header field `Authorization`, after the word `Bearer`. `detail` tells whether there is none, or whether it is unknown, revoked or expired. Whoever runs this service gives out keys.',
  },
  forbidden: {
    status: 403,
    title: 'The key does not allow this',
    explanation:
      'The key is valid, but it has not the scope that this takes; `detail` and `WWW-Authenticate` name it. Ask for a key with that scope.',
  },
  not_found: {
    status: 404,
    title: 'There is nothing here',
    explanation:
      'No resource has this address: it never existed, it is not yours, or it ended so long ago that even the memory of it is gone.',
  },
  method_not_allowed: {
    status: 405,
    title: 'This method does not apply here',
    explanation: 'The resource exists, but not for this method. The `Allow` header lists the methods it has.',
  },
  not_acceptable: {
    status: 406,
    title: 'No acceptable form of this resource',
    explanation:
      'The `Accept` header asks for media types that this resource does not have. `detail` names those it has.',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    explanation: 'The head or the body of the request did not arrive in time. Send it again.',
  },
  already_ended: {
    status: 409,
    title: 'The task has ended',
    explanation:
      'Only a task that has not ended can be canceled or confirmed. `task_status` tells how it ended; what it made can be read and used.',
  },
  not_awaiting_confirmation: {
    status: 409,
    title: 'The task does not await confirmation',
    explanation:
      'A task can be confirmed while its status is `awaiting_confirmation`: not before its work is done, nor once it is canceled or its time for that is over.',
  },
  not_ended: {
    status: 409,
    title: 'The task has not ended',
    explanation:
      'Only a task that has ended can be deleted. `links` leads to canceling it; then poll it until its status is `completed`, `failed` or `canceled`.',
  },
  gone: {
    status: 410,
    title: 'The task is gone',
    explanation:
      'The task ended and its record was kept as long as promised (`Sunset`), or it was deleted. The problem still tells how it ended; the resource that it made lives on.',
  },
  too_large: {
    status: 413,
    title: 'The body is too large',
    explanation:
      'The body exceeds the limit of this route, or the task that it would start takes more than all tasks of your tenant together may; `detail` names the limit. Send less, or split it.',
  },
  uri_too_long: {
    status: 414,
    title: 'The request target is too long',
    explanation: 'The path and query of the request together exceed 8,000 bytes. Shorten the query.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'This media type is not understood here',
    explanation: 'The `Content-Type` of the body is missing or not one that this route reads.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'The range lies outside the resource',
    explanation:
      'The `Range` header asks for bytes that the resource does not have. `Content-Range` tells its length.',
  },
  expectation_failed: {
    status: 417,
    title: 'The expectation cannot be met',
    explanation: 'The `Expect` header names something else than `100-continue`. Send the request without it.',
  },
  misdirected: {
    status: 421,
    title: 'The request is for another host',
    explanation:
      'This installation asks nobody for a key, so it answers only those who know it as this machine: `localhost`, a loopback address, or the host of its public address. `Host` says another one. Use one of these, or run the service with keys.',
  },
  invalid_input: {
    status: 422,
    title: 'The input is not valid',
    explanation:
      'The request was understood but breaks the rules of the operation. Each entry of `errors` names one place (`pointer` into the body, `query` or `header`) and what is wrong there.',
  },
  idempotency_conflict: {
    status: 422,
    title: 'This Idempotency-Key belongs to another request',
    explanation:
      'The key was used within the last 24 hours for a request with another method, path, body or options. Use a new key for a new request.',
  },
  quota_exceeded: {
    status: 429,
    title: 'A quota is used up',
    explanation:
      '`quota` names what your tenant has used up, `limit` what it may. `requests`: so many a second; `waiting`: as many of its tasks wait in the lane as may; `stored`: its tasks take as many bytes as they may. Nothing was done. Repeat after `Retry-After`: when there is a request to be had, or how long the lane takes until there is room; the longest wait where nobody can tell.',
  },
  polling_too_fast: {
    status: 429,
    title: 'This task is polled too fast',
    explanation:
      'The task has not ended, and was asked for far more often than the `Retry-After` of its answers allows, for a long time. Ask again after `Retry-After`; or let the answer wait (`Prefer: wait=60`), or follow `/tasks/{task_id}/events`.',
  },
  too_many_pipelined: {
    status: 429,
    title: 'Too many requests of one connection wait',
    explanation:
      'So many requests were sent on one connection without awaiting their answers that this one and those after it were not looked at. Await answers, or use several connections.',
  },
  header_too_large: {
    status: 431,
    title: 'The request head is too large',
    explanation:
      'The head of the request exceeds 16,384 bytes, or it has more than 100 header fields. Send fewer or shorter ones.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong on our side',
    explanation:
      'The fault is ours and was logged under the `X-Request-Id` of the answer. Repeating the request may help.',
  },
  not_ready: {
    status: 503,
    title: 'The service is not ready',
    explanation: 'A part that tasks need is missing; `detail` names it. The process itself lives.',
  },
  backlog_full: {
    status: 503,
    title: 'Too many tasks are waiting',
    explanation:
      'The operation has as many waiting tasks as it may have, or more than `Max-Queue` accepts. Nothing was started. Repeat after `Retry-After`.',
  },
  overloaded: {
    status: 503,
    title: 'The service is overloaded',
    explanation:
      'The process that was asked has more to do than it can bear, and refuses what can wait: starts first, then lists and streams, single reads and acts last. Nothing was begun. Repeat after `Retry-After`, with the same `Idempotency-Key`.',
  },
  too_many_connections: {
    status: 503,
    title: 'Too many connections are open',
    explanation:
      'The process has as many connections as it may have, or your address has as many as one address may. Nothing was done. Close some, or repeat after `Retry-After`.',
  },
  store_unavailable: {
    status: 503,
    title: 'The task store is away',
    explanation:
      'The store behind the tasks did not answer in time. A task that was to be started does not come alive later; only where the connection broke after the store had accepted it does it exist. Repeat after `Retry-After`, with the same `Idempotency-Key`.',
  },
  issuer_unavailable: {
    status: 503,
    title: 'The issuer of tokens is away',
    explanation:
      'The token cannot be judged: the issuer that it names did not tell its keys in time. Nothing was read or started. Repeat after `Retry-After`.',
  },
  outdated_process: {
    status: 503,
    title: 'This process is older than the data',
    explanation:
      'The service is being upgraded: its data was written by a newer version than the process that was asked, which therefore read and wrote nothing. Another process may serve the request: repeat it after `Retry-After`, with the same `Idempotency-Key`.',
  },
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof PROBLEMS

/** One fault of the input: exactly one of `pointer`, `query`, `header`, `line` (with `pointer`) says where. */
export interface InputFault {
  /** JSON Pointer into the body, as a URI fragment (RFC 6901 §6): `#/start_date`. */
  pointer?: string
  /** Name of a query or path parameter. */
  query?: string
  /** Name of a header field, in lower case. */
  header?: string
  /** 1-based line of an NDJSON body. */
  line?: number
  detail: string
}
