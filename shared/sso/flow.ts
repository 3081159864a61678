import { randomBytes } from 'node:crypto'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { isHttps } from '../config.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { openBytes, sealBytes } from '../tokens/sealed.ts'
import type { CodeRequest } from './oauth-client.ts'
import type { ExternalProfile } from './profile.ts'

const SECONDS = 600
const COOKIE = 'lanonasis_sso'

/** A sign-in at another provider that this browser has begun: its answer must come back to this very browser (standards S10, S11). */
export type SsoFlow = CodeRequest & {
  slug: string
  purpose: 'sign-in' | 'link'
  /** The session that a link is for. */
  sessionId?: string
  /** A page of another site began it: it links nothing, and takes nobody's place. */
  foreign: boolean
  platform: string
  projectScope: string
  /** Where it ends. */
  returnTo?: string
  /** Id of the SAML request. */
  requestId?: string
  until: number
}

const name = () => (isHttps() ? `__Host-${COOKIE}` : COOKIE)
const attributes = () => ({ path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps() }) as const
const random = () => randomBytes(24).toString('base64url')

export function newFlow(facts: Omit<SsoFlow, 'state' | 'nonce' | 'verifier' | 'until'>): SsoFlow {
  const verifier = randomBytes(32).toString('base64url')
  return { ...facts, state: random(), nonce: random(), verifier, until: Date.now() + SECONDS * 1000 }
}

/**
 * Keeps the flow in this browser.
 * @param options.posted the answer is checked where the provider's page posts it, so the cookie must come with a cross-site POST
 */
export function writeFlow({ derive }: Gateway, c: AppContext, flow: SsoFlow, options: { posted?: boolean } = {}): void {
  const sealed = sealBytes(derive('sso-cookie'), Buffer.from(JSON.stringify(flow)), COOKIE).toString('base64url')
  const crossSite = options.posted && isHttps() ? ({ sameSite: 'None' } as const) : {}
  setCookie(c, name(), sealed, { ...attributes(), ...crossSite, maxAge: SECONDS })
}

/** The flow that this browser has begun, if it is not too old. */
export function readFlow({ derive }: Gateway, c: AppContext): SsoFlow | undefined {
  try {
    const sealed = getCookie(c, name())
    if (!sealed) return undefined
    const flow: SsoFlow = JSON.parse(
      openBytes(derive('sso-cookie'), Buffer.from(sealed, 'base64url'), COOKIE).toString(),
    )
    return flow.until > Date.now() ? flow : undefined
  } catch {
    return undefined
  }
}

export function clearFlow(c: AppContext): void {
  deleteCookie(c, name(), attributes())
}

const ANSWER = 'sso-answer'

/** Seals the profile that a posted answer proved, for the next request of this browser; only the same flow opens it. */
export function sealProfile({ derive }: Gateway, { slug, state }: SsoFlow, profile: ExternalProfile): string {
  const plain = Buffer.from(JSON.stringify(profile))
  return sealBytes(derive(ANSWER), plain, `${ANSWER}.${slug}.${state}`).toString('base64url')
}

/** The profile that was sealed for this flow; undefined for anything else. */
export function openProfile(
  { derive }: Gateway,
  { slug, state }: SsoFlow,
  sealed: string,
): ExternalProfile | undefined {
  try {
    const context = `${ANSWER}.${slug}.${state}`
    return JSON.parse(openBytes(derive(ANSWER), Buffer.from(sealed, 'base64url'), context).toString())
  } catch {
    return undefined
  }
}
