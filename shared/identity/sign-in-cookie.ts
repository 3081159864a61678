import { randomBytes } from 'node:crypto'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { isHttps } from '../config.ts'
import type { Brand } from '../delivery/deliver.ts'
import type { Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { hashToken } from '../tokens/opaque.ts'
import { openBytes, sealBytes } from '../tokens/sealed.ts'
import type { CodeAddress } from './code-address.ts'
import type { ProvenAccount } from './external-account.ts'

const NAME = 'lanonasis_sign_in'
const SECONDS = 900

/** A sign-in under way in one browser. */
export type SignInUnderWay = {
  /** Names the browser; the code is bound to its hash. */
  id: string
  /** What the field for the address starts with. */
  email?: string
  /** Where the code went, and the challenge it is for. */
  to?: CodeAddress
  challengeId?: string
  returnTo?: string
  /** The application that the person is on the way to. */
  clientName?: string
  /** Where its answers go, when nobody at LanOnasis knows who made it. */
  clientHost?: string
  /** Of that application, where messages are in its name. */
  brand?: Brand
  /** An account at another provider that was proven here and waits to be linked, once the person has proven to be themselves. */
  link?: ProvenAccount
}

const cookieName = () => (isHttps() ? `__Host-${NAME}` : NAME)

/** The sign-in this browser has begun, or a new one. */
export function readSignIn({ derive }: Gateway, c: AppContext): SignInUnderWay {
  const fresh = { id: randomBytes(16).toString('base64url') }
  const sealed = getCookie(c, cookieName())
  if (!sealed) return fresh
  try {
    const opened = openBytes(derive('sign-in-cookie'), Buffer.from(sealed, 'base64url'), NAME).toString()
    const { until, ...signIn }: SignInUnderWay & { until: number } = JSON.parse(opened)
    return until > Date.now() ? signIn : fresh
  } catch {
    return fresh
  }
}

export function writeSignIn({ derive }: Gateway, c: AppContext, signIn: SignInUnderWay): void {
  const until = Date.now() + SECONDS * 1000
  const sealed = sealBytes(derive('sign-in-cookie'), Buffer.from(JSON.stringify({ ...signIn, until })), NAME).toString(
    'base64url',
  )
  setCookie(c, cookieName(), sealed, { path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps(), maxAge: SECONDS })
}

export function clearSignIn(c: AppContext): void {
  deleteCookie(c, cookieName(), { path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps() })
}

/** What a challenge keeps of the browser that asked for it. */
export function browserHashOf(signIn: SignInUnderWay): string {
  return hashToken(signIn.id)
}

/** Answers with a page and this request's cookies. */
export function withCookies(c: AppContext, page: Response): Response {
  return c.newResponse(page.body, page)
}
