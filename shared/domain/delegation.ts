import { satisfies } from './scopes.ts'

/** Who acts for the subject, and for whom that one acts (RFC 8693 section 4.1). */
export type ActorClaim = { sub: string; act?: ActorClaim }

/** Services in one chain; more says that something goes round in circles. */
const LONGEST_CHAIN = 4

/** The chain of actors with one more at its head; undefined when it would be too long. */
export function addActor(sub: string, before: ActorClaim | undefined): ActorClaim | undefined {
  let length = 1
  for (let actor = before; actor; actor = actor.act) length += 1
  if (length > LONGEST_CHAIN) return undefined
  return { sub, ...(before && { act: before }) }
}

/**
 * What of a subject's scope a service gets: never more than the subject holds, never more than the service may have. All of
 * that when it asks for none; undefined when it asks for more, or nothing is left.
 */
export function delegatedScope(input: { held: string[]; allowed: string[]; asked?: string[] }): string[] | undefined {
  const { held, allowed, asked } = input
  const both = (one: string) => satisfies(held, one) && satisfies(allowed, one)
  const scope = asked ?? [...new Set([...held, ...allowed])].filter(both)
  return scope.length > 0 && scope.every(both) ? scope : undefined
}
