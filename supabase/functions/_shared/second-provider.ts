import { type Env, misconfigured } from './env.ts'
import { Refusal } from './http.ts'
import type { Sent } from './sent.ts'

/** What one provider gets of the time, where it was silent before and another one waits. */
const SHARE_MS = 1_500

/** Hands a message to one provider. @throws Refusal */
export type Provider = (signal: AbortSignal) => Promise<Sent>

/** The providers that a setting names, in the order they are to be tried; `usual` where it is unset. */
export function chosen<P>(env: Env, setting: string, usual: string, known: Record<string, P>): P[] {
  const names = (env[setting]?.trim() || usual).split(/\s*,\s*/)
  return names.map((name) => {
    const provider = Object.hasOwn(known, name) ? known[name] : undefined
    if (!provider) throw misconfigured(`${setting} names ${JSON.stringify(name)}`)
    return provider
  })
}

/**
 * The first provider that takes the message. The next is asked when one surely did not take it: it said so. After silence it may have,
 * so then the same one is asked again, in another request, and the next only when it is silent twice.
 * @param again whether this message was tried in another request before
 */
export async function firstToTake(providers: Provider[], again: boolean, signal: AbortSignal): Promise<Sent> {
  let last: unknown
  for (const [index, send] of providers.entries()) {
    const isLast = index === providers.length - 1
    try {
      return await send(again && !isLast ? AbortSignal.any([signal, AbortSignal.timeout(SHARE_MS)]) : signal)
    } catch (error) {
      if (!(error instanceof Refusal) || !isTheProviders(error) || (isSilent(error) && !again)) throw error
      last = error
    }
  }
  throw last
}

/** Not the recipient's fault and not the message's. */
const isTheProviders = ({ status }: Refusal) => status === 429 || status >= 500
const isSilent = ({ code }: Refusal) => code === 'provider_timeout' || code === 'provider_unreachable'
