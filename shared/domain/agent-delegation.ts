import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'
import { type Authority, exceeds } from './derivation.ts'

type AgentDelegationFacts = {
  uai: string
  /** The agent. */
  clientId: string
  scopes: string[]
  resources: string[]
  expiresAt: string
}

export type AgentDelegationEvent =
  | { type: 'AgentDelegated'; data: AgentDelegationFacts }
  | { type: 'AgentDelegationEnded'; data: { reason: string } }

export type AgentDelegation = { status: 'none' | 'ended' } | ({ status: 'active' } & AgentDelegationFacts)

/** A person's delegation to an agent: limited in scopes and time, until revoked. */
export const agentDelegation: Aggregate<AgentDelegation, AgentDelegationEvent> = {
  type: 'agent_delegation',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'AgentDelegated':
        return { status: 'active', ...event.data }
      case 'AgentDelegationEnded':
        return state.status === 'active' ? { status: 'ended' } : state
    }
  },
}

/** @param from the person's authority, which limits the agent's */
export function delegate(facts: AgentDelegationFacts, from: Authority): Decision<AgentDelegationEvent> {
  if (exceeds(facts, from).length > 0) return refuse('derivation_exceeded')
  return record({ type: 'AgentDelegated', data: facts })
}

export function endDelegation(state: AgentDelegation, reason: string): Decision<AgentDelegationEvent> {
  return { events: state.status === 'active' ? [{ type: 'AgentDelegationEnded', data: { reason } }] : [] }
}
