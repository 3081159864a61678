import { type Env, misconfigured } from './env.ts'
import { Refusal } from './http.ts'

/** Time for a provider that did not answer before, if there is another one to try. */
const SHARE_MS = 1_500
/** Until a used-up quota may be open again. */
export const QUOTA_RETRY_SECONDS = 3_600

/** The provider that accepted a message, and its id there. */
export interface Sent {
  provider: string
  id: string
}

/** Sends a message through one provider. @throws Refusal */
type Provider = (signal: AbortSignal) => Promise<Sent>

/** Returns the providers that a setting names, in the order to try them; `fallback` if it is unset. */
export function configuredProviders<P>(env: Env, setting: string, fallback: string, known: Record<string, P>): P[] {
  const names = (env[setting]?.trim() || fallback).split(/\s*,\s*/)
  return names.map((name) => {
    const provider = Object.hasOwn(known, name) ? known[name] : undefined
    if (!provider) throw misconfigured(`${setting} names ${JSON.stringify(name)}`)
    return provider
  })
}

/**
 * Sends a message through the first provider that accepts it. The next one is tried when a provider refuses. After a timeout the provider
 * may have accepted the message, so the same one is tried again in the next request, and the next one only after a second timeout.
 * @param again whether this message was tried in another request before
 */
export async function sendByFirst(providers: Provider[], again: boolean, signal: AbortSignal): Promise<Sent> {
  let last: unknown
  for (const [index, send] of providers.entries()) {
    const isLast = index === providers.length - 1
    try {
      return await send(again && !isLast ? AbortSignal.any([signal, AbortSignal.timeout(SHARE_MS)]) : signal)
    } catch (error) {
      if (!(error instanceof Refusal) || !isProviderError(error) || (isTimeout(error) && !again)) throw error
      last = error
    }
  }
  throw last
}

/** Neither the recipient nor the message caused the error. */
const isProviderError = ({ status }: Refusal) => status === 429 || status >= 500
const isTimeout = ({ code }: Refusal) => code === 'provider_timeout' || code === 'provider_unreachable'

/** Creates the refusal for a message that a provider may take after `retryAfter` seconds. */
export function later(status: 429 | 503, code: string, retryAfter: number, detail: string): Refusal {
  return new Refusal(status, code, 'The provider cannot take the message right now.', { retryAfter, detail })
}

/** Creates the refusal for a recipient whom a provider will never take. */
export function recipientRefused(detail: string): Refusal {
  return new Refusal(422, 'recipient_refused', 'The provider refuses this recipient.', { detail })
}

/**
 * Posts JSON to a provider and reads its answer.
 * @throws Refusal 503 when there is no answer
 */
export async function postJson(
  url: string,
  signal: AbortSignal,
  { headers, body }: { headers: Record<string, string>; body: object },
): Promise<{ status: number; body: Record<string, unknown> }> {
  try {
    const init = { method: 'POST', body: JSON.stringify(body), redirect: 'manual', signal } as const
    const all = { ...headers, 'content-type': 'application/json', accept: 'application/json' }
    const response = await fetch(url, { ...init, headers: all })
    const answer = await response.json().catch(() => ({}))
    return { status: response.status, body: answer ?? {} }
  } catch {
    throw later(503, signal.aborted ? 'provider_timeout' : 'provider_unreachable', 1, 'no answer')
  }
}
