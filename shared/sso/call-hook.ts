import { isHttps } from '../config.ts'
import { createSigner } from '../delivery/sign.ts'
import type { Gateway } from '../gateway.ts'
import { GuardedFetchError, guardedFetch } from '../http/guarded-fetch.ts'
import { presentDeeply } from '../present.ts'

/** The total time, in milliseconds, that a sign-in waits for hooks. */
export const HOOK_MS = 3000
const MAX_BYTES = 64 * 1024

type HookAnswer =
  | { answered: true; body: Record<string, unknown>; milliseconds: number }
  | { answered: false; failure: string; milliseconds: number }

/**
 * Posts a signed message (Standard Webhooks) to an external endpoint: once, guarded, within the time limit. Failures are returned, not
 * thrown.
 * @param call.secret `whsec_<base64>`
 */
export async function callHook(
  { config, now }: Gateway,
  call: { url: string; secret: string; id: string; message: object; timeoutMs?: number },
): Promise<HookAnswer> {
  const startedAt = performance.now()
  const spent = () => Math.round(performance.now() - startedAt)
  const body = JSON.stringify(call.message)
  try {
    const headers = createSigner(call.secret, now)(call.id, body)()
    const answer = await guardedFetch(call.url, {
      method: 'POST',
      headers,
      body,
      accept: 'application/json',
      maxBytes: MAX_BYTES,
      timeoutMs: Math.ceil(call.timeoutMs ?? HOOK_MS),
      allowLoopback: !isHttps(config),
    })
    if (answer.status !== 200 && answer.status !== 204)
      return { answered: false, failure: `status_${answer.status}`, milliseconds: spent() }
    const parsed: unknown = answer.status === 204 ? {} : JSON.parse(answer.body.toString())
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      return { answered: false, failure: 'no_object', milliseconds: spent() }
    return { answered: true, body: presentDeeply(parsed), milliseconds: spent() }
  } catch (error) {
    const timeout = spent() >= (call.timeoutMs ?? HOOK_MS) - 50
    const failure =
      error instanceof GuardedFetchError && error.kind === 'refused'
        ? 'address_refused'
        : timeout
          ? 'timeout'
          : 'unreachable'
    return { answered: false, failure: error instanceof SyntaxError ? 'no_json' : failure, milliseconds: spent() }
  }
}
