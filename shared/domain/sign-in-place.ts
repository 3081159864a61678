import type { Aggregate, Decision } from '../events/types.ts'
import { type DataOf, record } from './decision.ts'

/** A person is notified of new places at most once in this time. */
export const NOTICE_INTERVAL_MS = 86_400_000
/** For how long the link of a notice works. */
const LINK_MS = 30 * 86_400_000

/** The step at which a place was first seen. */
export type SeenAt = 'sign_in' | 'authorize' | 'token' | 'renewal' | 'account'

/** A browser family in a network (IPv4 /24, IPv6 /48). */
export type Place = {
  /** Name of the browser family; `other` for any other program. */
  family: string
  network: string
}

type SignInPlaceEvent =
  | {
      type: 'SignInPlaceSeen'
      data: {
        uai: string
        sessionId: string
        seenAt: SeenAt
        /** The notice to the person; absent at their first sign-in. The hash is of the token in its link. */
        notice?: { at: string; linkHash: string; linkExpiresAt: string }
      }
      personal: { browser?: string; network: string }
      lookups: { kind: 'sign_in_place'; value: string }[]
    }
  | { type: 'SignInDisowned'; data: Record<string, never> }

type SignInPlace = { status: 'none' | 'seen' | 'disowned' }

/** A place from which a person's account was used. A place that the person disowns is unknown again. */
export const signInPlace: Aggregate<SignInPlace, SignInPlaceEvent> = {
  type: 'sign_in_place',
  initial: { status: 'none' },
  evolve(_, event) {
    return { status: event.type === 'SignInPlaceSeen' ? 'seen' : 'disowned' }
  },
}

/** Returns the lookup value of a person's place. It contains the person, so that the digests of two people are never equal. */
export const placeLookup = (uai: string, { family, network }: Place) => `sign-in-place ${uai} ${family} ${network}`

/**
 * Records a place at its first use.
 * @param input.linkHash of the token in the notice's link; undefined at the person's first sign-in
 */
export function seePlace(
  input: Pick<DataOf<SignInPlaceEvent, 'SignInPlaceSeen'>, 'uai' | 'sessionId' | 'seenAt'> & {
    place: Place
    /** Browser and system, as the notice names them. */
    browser?: string
    linkHash?: string
    now: Date
  },
): Decision<SignInPlaceEvent> {
  const { uai, sessionId, seenAt, place, browser, linkHash, now } = input
  const linkExpiresAt = new Date(now.getTime() + LINK_MS).toISOString()
  const notice = linkHash && { at: now.toISOString(), linkHash, linkExpiresAt }
  return record({
    type: 'SignInPlaceSeen',
    data: { uai, sessionId, seenAt, ...(notice && { notice }) },
    personal: { browser, network: place.network },
    lookups: [{ kind: 'sign_in_place', value: placeLookup(uai, place) }],
  })
}

/** Records that the person was not there; recording it again changes nothing. */
export function disown({ status }: SignInPlace): Decision<SignInPlaceEvent> {
  return { events: status === 'seen' ? [{ type: 'SignInDisowned', data: {} }] : [] }
}
