import type { Refusal } from '../errors.ts'
import type { Decision, Event } from '../events/types.ts'

/** The data of one type of event. */
export type DataOf<E extends Event, Type extends E['type']> = Extract<E, { type: Type }>['data']

/** Returns a decision that records events. */
export const record = <E extends Event>(...events: NoInfer<E>[]): Decision<E> => ({ events })

/** Returns a decision that refuses the request, after the events are recorded. */
export const refuse = <E extends Event>(refusal: Refusal, ...events: NoInfer<E>[]): Decision<E> => ({
  events,
  refuse: refusal,
})
