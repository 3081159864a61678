import type { Aggregate, Decision } from '../events/types.ts'
import { record, refuse } from './decision.ts'

/** When a hook is called: `before-sign-in` and `provision-user` may refuse, `map-claims` returns claims about the person. */
export const HOOK_POINTS = ['before-sign-in', 'after-sign-in', 'map-claims', 'provision-user'] as const
export type HookPoint = (typeof HOOK_POINTS)[number]

export type HookSettings = {
  name: string
  point: HookPoint
  url: string
  /** Whether a sign-in continues when the hook does not respond. */
  on_failure: 'open' | 'closed'
  /** Connections whose sign-ins it is called for; empty means all sign-ins. */
  connections: string[]
  /** Roles that `map-claims` may assign. */
  roles: string[]
  /** Organizations that `map-claims` may assign people to. */
  organizations: string[]
}

type Secrets = { name: 'signing_secret'; sealed: Uint8Array }[]

type HookEvent =
  | { type: 'HookAdded'; data: { settings: HookSettings }; secrets: Secrets }
  | { type: 'HookSecretReplaced'; data: Record<string, never>; secrets: Secrets }
  | { type: 'HookRemoved'; data: { reason: string } }

type Hook = { status: 'none' | 'removed' } | { status: 'active'; settings: HookSettings }

/** An external endpoint that is called at sign-in. */
export const hook: Aggregate<Hook, HookEvent> = {
  type: 'hook',
  initial: { status: 'none' },
  evolve(state, event) {
    switch (event.type) {
      case 'HookAdded':
        return { status: 'active', settings: event.data.settings }
      case 'HookSecretReplaced':
        return state
      case 'HookRemoved':
        return { status: 'removed' }
    }
  },
}

const secrets = (sealed: Uint8Array): Secrets => [{ name: 'signing_secret', sealed }]

export function addHook(settings: HookSettings, secret: Uint8Array): Decision<HookEvent> {
  return record({ type: 'HookAdded', data: { settings }, secrets: secrets(secret) })
}

export function replaceHookSecret(state: Hook, secret: Uint8Array): Decision<HookEvent> {
  if (state.status !== 'active') return refuse('not_found')
  return record({ type: 'HookSecretReplaced', data: {}, secrets: secrets(secret) })
}

export function removeHook(state: Hook, reason: string): Decision<HookEvent> {
  if (state.status !== 'active') return refuse('not_found')
  return record({ type: 'HookRemoved', data: { reason } })
}
