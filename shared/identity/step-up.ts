import { isRecent } from '../domain/authentication.ts'
import { recover, session, stepUp } from '../domain/session.ts'
import { GatewayError } from '../errors.ts'
import type { Work } from '../events/commit.ts'
import type { AppContext } from '../http/app.ts'
import { setSessionCookies } from '../http/cookies.ts'
import type { SessionFacts } from '../queries/person.ts'
import { CODE_SECRET_BYTES, newOpaqueToken } from '../tokens/opaque.ts'
import type { PersonPrincipal } from './authenticate.ts'

/** Whether the person gave a code of their authenticator app in this session a short while ago. */
export function isSteppedUp({ steppedUpAt }: SessionFacts): boolean {
  return isRecent(steppedUpAt, new Date())
}

/** Whether the person may set up what they prove themselves by: where there is something already, it was used a short while ago. */
export function mayChangeProofs(current: SessionFacts, hasAuthenticator: boolean): boolean {
  if (isSteppedUp(current) || isRecent(current.recoveredAt, new Date())) return true
  return !hasAuthenticator && isRecent(current.authenticatedAt, new Date())
}

export const stepUpUrl = (returnTo: string) => `/web/step-up?${new URLSearchParams({ return_to: returnTo })}`

/**
 * One more proof in a browser's session, whose handle is a new one from then on. Call the answer when the unit of work is recorded:
 * it hands the new handle out.
 */
export async function strengthenSession(
  work: Work,
  { person, session: current }: PersonPrincipal,
  proof: { method: 'totp' | 'recovery_code'; id: string },
): Promise<(c: AppContext) => void> {
  if (!current) throw new GatewayError('session_invalid')
  const { token: handle, hash: handleHash } = newOpaqueToken(current.id, CODE_SECRET_BYTES)
  const stream = await work.load(session, current.id, { subject: person.uai })
  const { method, id } = proof
  const given = { handleHash, now: new Date() }
  stream.decide((state) =>
    method === 'totp'
      ? stepUp(state, { ...given, provenBy: { type: 'totp_authenticator', id } })
      : recover(state, { ...given, provenBy: { type: 'recovery_codes', id } }),
  )
  const { uai, email, role } = person
  const maxAge = Math.floor((current.expiresAt.getTime() - Date.now()) / 1000)
  return (c) => setSessionCookies(c, { handle, user: { id: uai, email, role }, maxAge })
}
