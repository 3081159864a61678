import { randomBytes } from 'node:crypto'
import { formStatesOf } from '../access/form-states.ts'
import { addressKey, networkKey } from '../addresses.ts'
import type { Call } from '../call.ts'
import { isHttps } from '../config.ts'
import type { Gateway } from '../gateway.ts'
import type { ExternalProfile } from '../people/profile.ts'
import type { CodeRequest } from './oauth-client.ts'

const SECONDS = 600
const COOKIE = 'lanonasis_sso_'
/** Open flows per browser. */
const MOST_FLOWS = 8

/** A sign-in at another provider. Its response must arrive in the browser that started it (docs/security-rules.md S10, S11). */
export type SsoFlow = CodeRequest & {
  slug: string
  purpose: 'sign-in' | 'link'
  /** The session that a link is for. */
  sessionId?: string
  /** Started by a page of another site: it links no account and replaces no other person's session. */
  foreign: boolean
  platform: string
  projectScope: string
  /** Where the person goes after it. */
  returnTo?: string
  /** Id of the SAML request. */
  requestId?: string
  until: number
}

const prefix = () => (isHttps() ? `__Host-${COOKIE}` : COOKIE)
/** Each flow has its own cookie, named after the first part of its state, so that flows in several tabs do not interfere. */
const nameOf = (state: string) => `${prefix()}${state.split('.', 1)[0]}`
const attributes = () => ({ path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps() }) as const
const random = () => randomBytes(24).toString('base64url')
/** Sorts by time and is unique within a second. */
const newTag = (now: Date) => `${Math.floor(now.getTime() / 1000).toString(36)}${randomBytes(3).toString('hex')}`

export function newFlow(request: Omit<SsoFlow, 'state' | 'nonce' | 'verifier' | 'until'>, now: Date): SsoFlow {
  const verifier = randomBytes(32).toString('base64url')
  const until = now.getTime() + SECONDS * 1000
  return { ...request, state: `${newTag(now)}.${random()}`, nonce: random(), verifier, until }
}

/** Ends the oldest flows of this browser to stay within the limit. */
function endOldest(call: Call): void {
  const names = Object.keys(call.request.cookies).filter((name) => name.startsWith(prefix()))
  for (const name of names.toSorted().slice(0, Math.max(0, names.length - MOST_FLOWS + 1)))
    call.setCookie(name, '', { ...attributes(), maxAge: 0 })
}

/**
 * Stores the flow under a key that only this browser gets, in a cookie. Anyone can start flows, so they are rate-limited.
 * @param options.posted the provider posts its response from its own page, so the cookie must be sent with cross-site POSTs
 * @throws GatewayError rate_limited
 */
export async function writeFlow(call: Call, flow: SsoFlow, options: { posted?: boolean } = {}): Promise<void> {
  const { limiter } = call.gateway
  const ip = call.request.clientIp
  await limiter.enforce([...limiter.of('sso-begin', addressKey(ip)), ...limiter.of('sso-begin-net', networkKey(ip))])
  const key = randomBytes(16).toString('base64url')
  await formStatesOf(call.gateway, key).keep(COOKIE, flow, SECONDS)
  endOldest(call)
  const crossSite = options.posted && isHttps() ? ({ sameSite: 'None' } as const) : {}
  call.setCookie(nameOf(flow.state), key, { ...attributes(), ...crossSite, maxAge: SECONDS })
}

/** Returns the flow with this state if this browser started it and it has not expired. */
export async function readFlow(call: Call, state: string): Promise<SsoFlow | undefined> {
  const key = /^[0-9a-z]+\./.test(state) && call.request.cookies[nameOf(state)]
  const flow = key ? await formStatesOf(call.gateway, key).find<SsoFlow>(COOKIE) : undefined
  return flow?.state === state && flow.until > call.now().getTime() ? flow : undefined
}

export function clearFlow(call: Call, { state }: SsoFlow): void {
  call.setCookie(nameOf(state), '', { ...attributes(), maxAge: 0 })
}

const ANSWER = 'sso-answer'

const contextOf = ({ slug, state }: SsoFlow) => `${ANSWER}.${slug}.${state}`

/** Seals the verified profile of a posted response for the next request of this browser. Only the same flow can open it. */
export const sealProfile = ({ ring }: Gateway, flow: SsoFlow, profile: ExternalProfile): string =>
  ring.sealJson(ANSWER, profile, contextOf(flow))

/** Returns the profile that was sealed for this flow; undefined for anything else. */
export const openProfile = ({ ring }: Gateway, flow: SsoFlow, sealed: string): ExternalProfile | undefined =>
  ring.openJson(ANSWER, sealed, contextOf(flow))
