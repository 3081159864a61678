import { end, type SessionEnd, session } from '../domain/session.ts'
import { GatewayError } from '../errors.ts'
import { commit, type Work } from '../events/commit.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import type { Person } from '../queries/person.ts'
import type { SignedIn } from '../queries/sessions.ts'

/**
 * Ends a person's session; what depends on it is refused from the next request on.
 * @param by the session and client from which it is ended
 * @returns whether it had not been ended before
 * @throws GatewayError not_found when it is not the person's own
 */
export async function endSession(
  gateway: Gateway,
  c: AppContext,
  person: Person,
  sessionId: string,
  reason: SessionEnd,
  by: { sessionId: string; clientId?: string },
): Promise<boolean> {
  return commit(commitContext(gateway, c), async (work) => {
    work.actor = { type: 'person', id: person.uai, ...by }
    work.knowKey(person.uai, person.wrappedKey)
    const stream = await work.load(session, sessionId, { subject: person.uai })
    if (stream.state.status === 'none' || !person.members.includes(stream.state.uai))
      throw new GatewayError('not_found')
    const before = stream.state.status
    stream.decide((state) => end(state, reason))
    return before === 'started'
  })
}

/** A sign-in in the same browser takes the place of the one before. */
export async function endReplaced(work: Work, replaced: SignedIn | undefined): Promise<void> {
  if (!replaced) return
  work.knowKey(replaced.person.uai, replaced.person.wrappedKey)
  const stream = await work.load(session, replaced.session.id, { subject: replaced.person.uai })
  stream.decide((state) => end(state, 'replaced'))
}
