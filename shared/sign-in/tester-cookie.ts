import { randomBytes } from 'node:crypto'
import type { Call } from '../call.ts'
import { isHttps } from '../config.ts'

const NAME = 'lanonasis_tester'
const SECONDS = 600
const attributes = () => ({ path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps() }) as const
const random = () => randomBytes(32).toString('base64url')

/** Starts a test authorization in this browser, with a verifier and state that only it knows. */
export function startAttempt(call: Call): { verifier: string; state: string; nonce: string } {
  const begun = { verifier: random(), state: random(), nonce: random() }
  call.setCookie(NAME, `${begun.verifier}.${begun.state}`, { ...attributes(), maxAge: SECONDS })
  return begun
}

/** Returns the test authorization that this browser started. */
export function readAttempt(call: Call): { verifier: string; state: string } | undefined {
  const [verifier, state] = call.request.cookies[NAME]?.split('.') ?? []
  return verifier && state ? { verifier, state } : undefined
}

export function clearAttempt(call: Call): void {
  call.setCookie(NAME, '', { ...attributes(), maxAge: 0 })
}
