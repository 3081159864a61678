import type { Aggregate, Decision } from '../events/types.ts'
import { record } from './decision.ts'

type OrganizationEvent = { type: 'OrganizationCreated'; data: { kind: 'personal' | 'team'; owner: string } }

export const organization: Aggregate<undefined, OrganizationEvent> = {
  type: 'organization',
  initial: undefined,
  evolve: () => undefined,
}

export function createPersonal(owner: string): Decision<OrganizationEvent> {
  return record({ type: 'OrganizationCreated', data: { kind: 'personal', owner } })
}
