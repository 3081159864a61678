import { isHttps } from '../config.ts'
import type { Gateway } from '../gateway.ts'
import { guardedFetch } from '../http/guarded-fetch.ts'

const MAX_BYTES = 256 * 1024
const TIMEOUT_MS = 8_000

/** `fetch` for what other identity providers serve: guarded as an address that somebody else chose (standards R12). */
export const askProvider =
  ({ config }: Pick<Gateway, 'config'>) =>
  async (
    address: string | URL,
    init: { method?: string; headers?: unknown; body?: unknown } = {},
  ): Promise<Response> => {
    const headers = Object.fromEntries(new Headers(init.headers as HeadersInit))
    const answer = await guardedFetch(String(address), {
      method: init.method === 'POST' ? 'POST' : 'GET',
      headers,
      body: init.body === undefined || init.body === null ? undefined : String(init.body),
      accept: headers.accept ?? 'application/json',
      maxBytes: MAX_BYTES,
      timeoutMs: TIMEOUT_MS,
      allowLoopback: !isHttps(config),
    })
    const empty = answer.status === 204 || answer.status === 304
    return new Response(empty ? null : new Uint8Array(answer.body), { status: answer.status, headers: answer.headers })
  }
