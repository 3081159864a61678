import { expect } from 'vitest'
import type { Refusal } from '../../shared/errors.ts'
import type { Aggregate, Decision, Event } from '../../shared/events/types.ts'

/** Folds a history into the state that it leads to. */
export function stateOf<S, E extends Event>(aggregate: Aggregate<S, E>, events: NoInfer<E>[]): S {
  return events.reduce(aggregate.evolve, aggregate.initial)
}

/** A scenario: with these events recorded, this decision gives exactly these events, and this refusal or none. */
export function given<S, E extends Event>(aggregate: Aggregate<S, E>, ...events: NoInfer<E>[]) {
  const before = stateOf(aggregate, events)
  return {
    when(decision: (state: S) => Decision<E>) {
      const frozen = structuredClone(before)
      const decided = decision(before)
      const after = decided.events.reduce(aggregate.evolve, before)
      return {
        /** The state once the decided events are recorded. */
        after,
        // biome-ignore lint/suspicious/noThenProperty: given, when, then; the scenario is never awaited
        then(expected: E[], refusal?: Refusal): S {
          expect(decided.events).toEqual(expected)
          expect(decided.refuse).toBe(refusal)
          expect(before, 'a decision changes no state').toEqual(frozen)
          return after
        },
      }
    },
  }
}

export const NOW = new Date('2026-03-01T12:00:00.000Z')

/** An instant that many seconds after NOW. */
export function later(seconds: number): Date {
  return new Date(NOW.getTime() + seconds * 1000)
}
