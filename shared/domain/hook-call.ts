import type { Aggregate, Decision } from '../events/types.ts'
import { record } from './decision.ts'
import type { HookPoint } from './hook.ts'

/** The result of a call, without personal data. */
export type HookCallFacts = {
  hookId: string
  point: HookPoint
  outcome: 'answered' | 'failed'
  /** The hook's decision, at points where it decides. */
  decision?: string
  /** Names of the claims that it set. */
  claims?: string[]
  failure?: string
  milliseconds: number
}

type HookCallEvent = { type: 'HookCalled'; data: HookCallFacts }

/** One call of a hook: one stream, one event. */
export const hookCall: Aggregate<undefined, HookCallEvent> = {
  type: 'hook_call',
  initial: undefined,
  evolve: () => undefined,
}

export function recordCall(facts: HookCallFacts): Decision<HookCallEvent> {
  return record({ type: 'HookCalled', data: facts })
}
