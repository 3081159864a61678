import { networkKey } from '../addresses.ts'
import type { Call } from '../call.ts'
import { sendNoticeAfter } from '../delivery/send-notice.ts'
import { type Place, placeLookup, type SeenAt, seePlace, signInPlace } from '../domain/sign-in-place.ts'
import { aboutPerson, commit, type Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { browserFamily, describeUserAgent } from '../http/user-agent.ts'
import { newId } from '../ids.ts'
import type { Person, SessionFacts } from '../queries/person.ts'
import { findSignInChecks, type SignInChecks } from '../queries/sign-in-places.ts'
import { CODE_SECRET_BYTES, newOpaqueToken } from '../tokens/opaque.ts'

export const DISOWN_PAGE = '/web/not-me'

type Origin = { ip?: string; userAgent?: string }

/** Returns the place that a request comes from; undefined if its address is not known. */
async function placeOf({ ip, userAgent }: Origin): Promise<Place | undefined> {
  if (!ip) return undefined
  const network = ip.includes(':') ? `${networkKey(ip)}::/48` : `${networkKey(ip)}.0/24`
  return { family: (await browserFamily(userAgent)) ?? 'other', network }
}

const originOfCall = ({ request: { clientIp: ip, userAgent } }: Call): Origin => ({ ip, userAgent })

/** Reads which second factors a person has, and whether this request's place is new to them. One statement. */
export async function checkSignIn(call: Call, person: Pick<Person, 'members'>): Promise<SignInChecks> {
  const { reads, personal } = call.gateway
  const place = await placeOf(originOfCall(call))
  const digests = place ? person.members.map((uai) => personal.digest(placeLookup(uai, place))) : []
  return findSignInChecks(reads, person, { digests, now: call.now() })
}

/**
 * Records a new place in a unit of work, and notifies the person by e-mail. Nothing is recorded for a known place, or for a second new one
 * within a day; the person's first place ever is recorded without a notice.
 * @param input.checks what is known of a person who existed before
 */
export async function noticePlace(
  call: Call,
  work: Work,
  input: { person: Person; sessionId: string; seenAt: SeenAt; checks?: SignInChecks },
): Promise<void> {
  const { person, sessionId, seenAt, checks } = input
  const place = await placeOf(originOfCall(call))
  if (!place || checks?.known || checks?.noticed) return
  const id = newId()
  const { token, hash } = newOpaqueToken(id, CODE_SECRET_BYTES)
  const browser = await describeUserAgent(call.request.userAgent)
  const now = call.now()
  const linkHash = checks?.any ? hash : undefined
  const facts = { uai: person.uai, sessionId, seenAt, place, browser, linkHash, now }
  work.start(signInPlace, id, aboutPerson(person)).decide(() => seePlace(facts))
  if (!linkHash || !person.email || !person.emailVerified) return
  const details = { at: now.toISOString(), browser, network: place.network }
  sendNoticeAfter(call, work, { id, kind: 'new_sign_in', person, path: `${DISOWN_PAGE}?n=${token}`, ...details })
}

/** Whether a session began at this request's place. Its origin cannot be read if the person was merged since. */
async function isHome(
  { personal }: Gateway,
  origin: Origin,
  used: { person: Person; session: SessionFacts },
): Promise<boolean> {
  const { person, session } = used
  if (!session.origin || !person.wrappedKey) return false
  try {
    const began = await placeOf(JSON.parse(personal.openWrapped(person.uai, person.wrappedKey, session.origin)))
    const now = await placeOf(origin)
    return !now || (began?.family === now.family && began.network === now.network)
  } catch {
    return false
  }
}

/**
 * Notices the use of a session at another place than it began at. Reads and writes after the response, and only then, so that the usual use
 * costs no statement.
 */
export function noticeUse(call: Call, used: { person: Person; session: SessionFacts }, seenAt: SeenAt): void {
  call.later(recordUse(call, used, seenAt))
}

async function recordUse(call: Call, used: { person: Person; session: SessionFacts }, seenAt: SeenAt): Promise<void> {
  if (await isHome(call.gateway, originOfCall(call), used)) return
  const { person, session } = used
  await commit(call, async (work) => {
    work.actor = { type: 'person', id: person.uai, sessionId: session.id }
    const checks = await checkSignIn(call, person)
    await noticePlace(call, work, { person, sessionId: session.id, seenAt, checks })
  })
}

/** Notices the use of tokens in a browser. Programs renew from wherever they run. */
export function noticeTokenUse(
  call: Call,
  used: { person: Person; session: SessionFacts },
  seenAt: 'token' | 'renewal',
): void {
  call.later(
    browserFamily(call.request.userAgent).then((family) => (family ? recordUse(call, used, seenAt) : undefined)),
  )
}
