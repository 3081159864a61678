import { createHmac, randomBytes } from 'node:crypto'
import { equalHash } from '../../../packages/auth-server/src/equal-hash.ts'
import { GatewayError } from '../../errors.ts'
import type { Gateway } from '../../gateway.ts'
import { claimOnce } from '../../queries/replay-guard.ts'

/** As long as a sign-in of a tab: a browser offers passkeys while its page is open. */
const SECONDS = 3600
const NONCE_BYTES = 21
const TIME_BYTES = 6
const BODY_LENGTH = ((NONCE_BYTES + TIME_BYTES) * 4) / 3

/** What a challenge is for. */
export type ChallengeUse = {
  purpose: 'register' | 'sign_in' | 'step_up'
  /** The key of the browser, the credential of the signed-in person, or the secret of an app's ceremony. */
  holder: string
}

function sign({ ring }: Pick<Gateway, 'ring'>, body: string, { purpose, holder }: ChallengeUse): string {
  return createHmac('sha256', ring.key('passkey-challenge'))
    .update(JSON.stringify([purpose, holder, body]))
    .digest('base64url')
}

/**
 * Creates a challenge: random, with its expiry, and signed for one use, so that it is stored only once it is answered
 * (WebAuthn Level 3 section 13.4.3).
 */
export function newChallenge(gateway: Pick<Gateway, 'ring' | 'now'>, use: ChallengeUse): string {
  const body = randomBytes(NONCE_BYTES + TIME_BYTES)
  body.writeUIntBE(Math.ceil(gateway.now().getTime() / 1000) + SECONDS, NONCE_BYTES, TIME_BYTES)
  const text = body.toString('base64url')
  return text + sign(gateway, text, use)
}

/**
 * Claims a challenge, which is valid once, for the use that it was created for.
 * @throws GatewayError passkey_expired
 */
export async function claimChallenge(gateway: Gateway, challenge: string, use: ChallengeUse): Promise<void> {
  const [body, signature] = [challenge.slice(0, BODY_LENGTH), challenge.slice(BODY_LENGTH)]
  if (!equalHash(signature, sign(gateway, body, use)))
    throw new GatewayError('passkey_expired', { reason: 'of another browser or purpose' })
  const until = new Date(Buffer.from(body, 'base64url').readUIntBE(NONCE_BYTES, TIME_BYTES) * 1000)
  if (until <= gateway.now()) throw new GatewayError('passkey_expired', { reason: 'too old' })
  if (!(await claimOnce(gateway.reads, 'passkey', [body], until)))
    throw new GatewayError('passkey_expired', { reason: 'used before' })
}
