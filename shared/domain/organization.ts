import type { Aggregate, Decision } from '../events/types.ts'
import { record } from './decision.ts'

type OrganizationEvent = { type: 'OrganizationCreated'; data: { kind: 'personal' | 'team'; owner: string } }

export type Organization = { status: 'none' } | { status: 'active'; owner: string }

export const organization: Aggregate<Organization, OrganizationEvent> = {
  type: 'organization',
  initial: { status: 'none' },
  evolve: (_state, event) => ({ status: 'active', owner: event.data.owner }),
}

export function createPersonal(owner: string): Decision<OrganizationEvent> {
  return record({ type: 'OrganizationCreated', data: { kind: 'personal', owner } })
}
