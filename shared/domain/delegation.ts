import { satisfies } from '../../packages/auth-server/src/scope.ts'

/** The actor and the chain of prior actors (RFC 8693 section 4.1). */
export type ActorClaim = { sub: string; act?: ActorClaim }

/** Maximum services in a chain; more indicate a loop. */
const LONGEST_CHAIN = 4

/** Adds an actor at the head of the chain; undefined when it would be too long. */
export function addActor(sub: string, before: ActorClaim | undefined): ActorClaim | undefined {
  let length = 1
  for (let actor = before; actor; actor = actor.act) length += 1
  if (length > LONGEST_CHAIN) return undefined
  return { sub, ...(before && { act: before }) }
}

/**
 * The scope that a service gets for a subject: the intersection of what the subject has and what the service may have. Undefined
 * when the service requests more, or nothing is left.
 */
export function delegatedScope(input: { held: string[]; allowed: string[]; asked?: string[] }): string[] | undefined {
  const { held, allowed, asked } = input
  const both = (one: string) => satisfies(held, one) && satisfies(allowed, one)
  const scope = asked ?? [...new Set([...held, ...allowed])].filter(both)
  return scope.length > 0 && scope.every(both) ? scope : undefined
}
