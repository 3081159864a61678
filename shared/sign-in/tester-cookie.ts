import { randomBytes } from 'node:crypto'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { isHttps } from '../config.ts'
import type { AppContext } from '../http/app.ts'

const NAME = 'lanonasis_tester'
const SECONDS = 600
const attributes = () => ({ path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps() }) as const
const random = () => randomBytes(32).toString('base64url')

/** Begins a try of the gateway in this browser, with a verifier and state that no other knows. */
export function startTry(c: AppContext): { verifier: string; state: string; nonce: string } {
  const begun = { verifier: random(), state: random(), nonce: random() }
  setCookie(c, NAME, `${begun.verifier}.${begun.state}`, { ...attributes(), maxAge: SECONDS })
  return begun
}

/** What this browser began. */
export function readTry(c: AppContext): { verifier: string; state: string } | undefined {
  const [verifier, state] = getCookie(c, NAME)?.split('.') ?? []
  return verifier && state ? { verifier, state } : undefined
}

export function clearTry(c: AppContext): void {
  deleteCookie(c, NAME, attributes())
}
