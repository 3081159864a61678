import { revokeBlastRadius, traceBlastRadius } from '../audit/blast-radius.ts'
import type { Call } from '../call.ts'
import { end, session } from '../domain/session.ts'
import { disown, signInPlace } from '../domain/sign-in-place.ts'
import { GatewayError } from '../errors.ts'
import { aboutPerson, commit, type Work } from '../events/commit.ts'
import { findPerson } from '../queries/identities.ts'
import type { Person } from '../queries/person.ts'
import {
  findNoticedPlace,
  type LastingChange,
  listLastingChanges,
  listSessionsSince,
  type NoticedPlace,
} from '../queries/sign-in-places.ts'
import { CODE_SECRET_BYTES, hashToken, streamOfToken } from '../tokens/opaque.ts'
import { forgetDevices } from './factors/remembered-devices.ts'

const REASON = 'disowned'
/** After one of these, any later sign-in may be that of the person who made it. */
const NEW_WAYS_IN: LastingChange[] = [
  'CredentialLinked',
  'IdentityAbsorbed',
  'TotpEnrolled',
  'PasskeyRegistered',
  'RecoveryCodesIssued',
]
/** What ends while it is traced is traced again, so often. */
const ROUNDS = 3

export type NoticedSignIn = { place: NoticedPlace; person: Person }

/**
 * Returns the sign-in that a notice was about, by the token in its link.
 * @throws GatewayError notice_link_invalid
 */
export async function findNoticed({ gateway }: Call, token: string): Promise<NoticedSignIn> {
  const { reads, personal } = gateway
  const id = streamOfToken(token, CODE_SECRET_BYTES)
  const place = id && (await findNoticedPlace(reads, personal, { id, linkHash: hashToken(token) }))
  const person = place && (await findPerson(reads, personal, place.uai))
  if (!place || !person) throw new GatewayError('notice_link_invalid')
  return { place, person }
}

/** What a disowned sign-in had led to: how many of each kind have ended, and the changes that remain. */
export type Disowned = {
  ended: Record<'session' | 'token_family' | 'api_key' | 'agent_delegation', number>
  changes: { type: LastingChange; at: Date }[]
}

/**
 * Ends the session of a sign-in that was not the person's, all that followed from it, and every remembered device. If it added a way to
 * sign in, all later sessions end too. Repeating it ends what a first time could not, and returns the same.
 */
export async function disownSignIn(call: Call, { place, person }: NoticedSignIn): Promise<Disowned> {
  const { gateway } = call
  const actor = { type: 'person' as const, id: person.uai }
  await commit(call, async (work) => {
    work.actor = actor
    ;(await work.load(signInPlace, place.id, aboutPerson(person))).decide(disown)
    ;(await work.load(session, place.sessionId, aboutPerson(person))).decide((state) => end(state, 'revoked', REASON))
    await forgetDevices(gateway, work, person, 'disowned')
  })
  const by = {
    act(work: Work) {
      work.actor = actor
    },
    reason: REASON,
    as: 'person' as const,
  }
  const seen = new Map<string, keyof Disowned['ended']>()
  const endAll = async (id: string) => {
    for (let round = 0; round < ROUNDS; round++) {
      const radius = await traceBlastRadius(gateway, id)
      for (const one of radius.followed) seen.set(one.id, one.kind as keyof Disowned['ended'])
      if ((await revokeBlastRadius(call, radius, by)) === 0) return
    }
  }
  await endAll(place.sessionId)
  const { reads } = gateway
  const { members } = person
  const changes = () => {
    const sessions = [...seen].filter(([, kind]) => kind === 'session').map(([id]) => id)
    return listLastingChanges(reads, { sessions, members })
  }
  const added = (await changes()).find(({ type }) => NEW_WAYS_IN.includes(type))
  if (added) for (const id of await listSessionsSince(reads, members, added.at)) await endAll(id)
  const kinds = [...seen.values()]
  const count = (kind: keyof Disowned['ended']) => kinds.filter((one) => one === kind).length
  return {
    ended: {
      session: count('session'),
      token_family: count('token_family'),
      api_key: count('api_key'),
      agent_delegation: count('agent_delegation'),
    },
    changes: await changes(),
  }
}
