import type { Aggregate, Decision } from '../events/types.ts'
import { type DataOf, record, refuse } from './decision.ts'
import type { Channel } from './message.ts'

/** An address to which nothing more is sent, after a permanent bounce or a spam complaint. */
export type SuppressionEvent =
  | {
      type: 'AddressSuppressed'
      data: { channel: Channel; cause: 'bounced' | 'complained'; reason?: string; messageId?: string }
      personal: { address: string }
      lookups: { kind: 'suppressed_address'; value: string }[]
    }
  | { type: 'SuppressionLifted'; data: { reason: string } }

type Suppression = { status: 'none' | 'active' | 'lifted' }

export const suppression: Aggregate<Suppression, SuppressionEvent> = {
  type: 'suppression',
  initial: { status: 'none' },
  evolve: (_, event) => ({ status: event.type === 'AddressSuppressed' ? 'active' : 'lifted' }),
}

/** @param input.lookup the normalized address */
export function suppress(
  input: { address: string; lookup: string } & DataOf<SuppressionEvent, 'AddressSuppressed'>,
): Decision<SuppressionEvent> {
  const { address, lookup, ...data } = input
  const lookups = [{ kind: 'suppressed_address' as const, value: lookup }]
  return record({ type: 'AddressSuppressed', data, personal: { address }, lookups })
}

export function lift(state: Suppression, reason: string): Decision<SuppressionEvent> {
  if (state.status === 'none') return refuse('not_found')
  return { events: state.status === 'active' ? [{ type: 'SuppressionLifted', data: { reason } }] : [] }
}
