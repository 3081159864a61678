import type { Call } from '../call.ts'
import { end, type SessionEnd, session } from '../domain/session.ts'
import { revokeFamily, tokenFamily } from '../domain/token-family.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, commit, type Work } from '../events/commit.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Person } from '../queries/person.ts'
import type { SignedIn } from '../queries/sessions.ts'
import { listLeftOverFamilies } from '../queries/token-families.ts'

/**
 * Ends a person's session; what depends on it is refused from the next request.
 * @param by the session and client from which it is ended
 * @returns false if it had ended already
 * @throws GatewayError not_found if it is not the person's own
 */
export async function endSession(
  call: Call,
  person: Person,
  sessionId: string,
  reason: SessionEnd,
  by: { sessionId: string; clientId?: string },
): Promise<boolean> {
  return commit(call, async (work) => {
    work.actor = { type: 'person', id: person.uai, ...by }
    const stream = await work.load(session, sessionId, aboutPerson(person))
    if (stream.state.status === 'none' || !person.members.includes(stream.state.uai))
      throw new GatewayError('not_found')
    const before = stream.state.status
    stream.decide((state) => end(state, reason))
    return before === 'started'
  })
}

/**
 * Signs out of an application (OpenID Connect RP-Initiated Logout section 2): ends the browser's session, and the tokens that the
 * application got in it or in the session that its ID token names. Tokens with offline access stay.
 */
export async function signOutOf(
  call: Call,
  input: { signedIn?: SignedIn; client?: Client; hinted?: string },
): Promise<void> {
  const { signedIn, client, hinted } = input
  const ending = signedIn?.session.id
  const sessionIds = [ending, hinted].filter((one) => one !== undefined)
  if (sessionIds.length === 0) return
  await commit(call, async (work) => {
    const clientId = client?.client_id
    work.actor = { type: 'anonymous', clientId }
    if (signedIn) {
      const { person, session: current } = signedIn
      work.actor = { type: 'person', id: person.uai, sessionId: current.id, clientId }
      const stream = await work.load(session, current.id, aboutPerson(person))
      stream.decide((state) => end(state, 'logout'))
    }
    const asked = client && { clientId: client.id, sessionIds, ending }
    for (const { id, uai } of asked ? await listLeftOverFamilies(call.gateway.reads, asked) : []) {
      const family = await work.load(tokenFamily, id, { subject: uai })
      family.decide((state) => revokeFamily(state, 'logout'))
    }
  })
}

/** Ends the session that a sign-in in the same browser replaces. */
export async function endReplaced(work: Work, replaced: SignedIn | undefined): Promise<void> {
  if (!replaced) return
  const stream = await work.load(session, replaced.session.id, aboutPerson(replaced.person))
  stream.decide((state) => end(state, 'replaced'))
}
