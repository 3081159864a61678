import { RECENT_SECONDS } from '../domain/authentication.ts'
import { type StepUp, session, stepUp } from '../domain/session.ts'
import { GatewayError } from '../errors.ts'
import type { Work } from '../events/commit.ts'
import type { AppContext } from '../http/app.ts'
import { setSessionCookies } from '../http/cookies.ts'
import type { SessionFacts } from '../queries/person.ts'
import { CODE_SECRET_BYTES, newOpaqueToken } from '../tokens/opaque.ts'
import type { PersonPrincipal } from './authenticate.ts'

const isRecent = (at: Date | undefined) => at !== undefined && Date.now() - at.getTime() < RECENT_SECONDS * 1000

/** Whether the person gave one more proof in this session a short while ago. */
export function isSteppedUp({ amr, steppedUpAt }: SessionFacts): boolean {
  return amr.includes('mfa') && isRecent(steppedUpAt)
}

/** Whether the person signed in, or gave one more proof, a short while ago. */
export function isFresh({ authenticatedAt, steppedUpAt }: SessionFacts): boolean {
  return isRecent(authenticatedAt) || isRecent(steppedUpAt)
}

export const stepUpUrl = (returnTo: string) => `/web/step-up?${new URLSearchParams({ return_to: returnTo })}`

/** One more proof in a browser's session; its handle is a new one from then on. Call `done` when the unit of work is recorded. */
export async function stepUpSession(
  work: Work,
  { person, session: current }: PersonPrincipal,
  proof: Pick<StepUp, 'method' | 'provenBy'>,
): Promise<{ done: (c: AppContext) => void }> {
  if (!current) throw new GatewayError('session_invalid')
  const { token: handle, hash: handleHash } = newOpaqueToken(current.id, CODE_SECRET_BYTES)
  const stream = await work.load(session, current.id, { subject: person.uai })
  stream.decide((state) => stepUp(state, { ...proof, handleHash, now: new Date() }))
  const { uai: id, email, role } = person
  const maxAge = Math.floor((current.expiresAt.getTime() - Date.now()) / 1000)
  return { done: (c) => setSessionCookies(c, { handle, user: { id, email, role }, maxAge }) }
}
