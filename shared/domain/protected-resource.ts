import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'

type ResourceFacts = {
  /** Absolute URI without a fragment (RFC 8707 section 2). */
  identifier: string
  name: string
  /** Scopes that a token for it needs at least (RFC 9728 section 2). */
  scopes: string[]
  /** Used when a client names no resource. */
  isDefault: boolean
  /** Set for a Supabase project, which takes tokens of its own form and key. */
  supabase?: SupabaseSettings
}

type SupabaseSettings = {
  /** The provider under which people's user ids in that project are linked here, if they are. */
  accounts?: string
}

type ProtectedResourceEvent =
  | { type: 'ProtectedResourceRegistered'; data: ResourceFacts }
  | { type: 'ProtectedResourceChanged'; data: { name: string; scopes: string[] } }
  | { type: 'ProtectedResourceRemoved'; data: { reason: string } }

export type ProtectedResource = { status: 'none' | 'removed' } | ({ status: 'registered' } & ResourceFacts)

/** A resource server that tokens can be issued for (RFC 8707). */
export const protectedResource: Aggregate<ProtectedResource, ProtectedResourceEvent> = {
  type: 'protected_resource',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'ProtectedResourceRegistered':
        return { status: 'registered', ...event.data }
      case 'ProtectedResourceChanged':
        return state.status === 'registered' ? { ...state, ...event.data } : state
      case 'ProtectedResourceRemoved':
        return { status: 'removed' }
    }
  },
}

export function registerResource(facts: ResourceFacts): Decision<ProtectedResourceEvent> {
  return record({ type: 'ProtectedResourceRegistered', data: facts })
}

export function changeResource(
  state: ProtectedResource,
  change: { name?: string; scopes?: string[] },
): Decision<ProtectedResourceEvent> {
  if (state.status !== 'registered') return refuse('not_found')
  const { name = state.name, scopes = state.scopes } = change
  return record({ type: 'ProtectedResourceChanged', data: { name, scopes } })
}

/** Removes a resource, except the default one. */
export function removeResource(state: ProtectedResource, reason: string): Decision<ProtectedResourceEvent> {
  if (state.status !== 'registered') return refuse('not_found')
  if (state.isDefault) return refuse('conflict')
  return record({ type: 'ProtectedResourceRemoved', data: { reason } })
}
