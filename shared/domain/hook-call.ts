import type { Aggregate, Decision } from '../events/types.ts'
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
type HookCall = { status: 'none' | 'recorded' }

/** One call of a hook: one stream, one event. */
export const hookCall: Aggregate<HookCall, HookCallEvent> = {
  type: 'hook_call',
  initial: { status: 'none' },
  evolve: () => ({ status: 'recorded' }),
}

export function recordCall(facts: HookCallFacts): Decision<HookCallEvent> {
  return { events: [{ type: 'HookCalled', data: facts }] }
}
