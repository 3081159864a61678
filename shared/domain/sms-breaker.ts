import type { Aggregate, Decision } from '../events/types.ts'

/** Codes sent to a country of which fewer than this share were entered look like somebody earning on the messages. */
const LEAST_SHARE = 0.2
/** What stands for every country. */
export const EVERYWHERE = '*'

/** A trip stops text messages to a country until an operator lifts it, or until a time. */
export type SmsBreakerEvent =
  | {
      type: 'SmsBreakerTripped'
      data: { country: string; cause: 'pumping' | 'daily_cap'; sent: number; entered?: number; until?: string }
    }
  | { type: 'SmsBreakerLifted'; data: { reason: string } }

export type SmsBreaker = { status: 'none' | 'tripped' | 'lifted' }

export const smsBreaker: Aggregate<SmsBreaker, SmsBreakerEvent> = {
  type: 'sms_breaker',
  initial: { status: 'none' },
  evolve: (_, event) => ({ status: event.type === 'SmsBreakerTripped' ? 'tripped' : 'lifted' }),
}

/**
 * Trips when many codes went to a country and few were entered.
 * @param input.sent codes of the last hour that had time to be entered
 * @param input.least how many make a pattern
 */
export function watchPumping(input: {
  country: string
  sent: number
  entered: number
  least: number
}): Decision<SmsBreakerEvent> {
  const { country, sent, entered, least } = input
  if (sent < least || entered >= sent * LEAST_SHARE) return { events: [] }
  const data = { country, cause: 'pumping' as const, sent, entered }
  return { events: [{ type: 'SmsBreakerTripped', data }], refuse: 'sms_unavailable' }
}

/** Trips for the rest of the day when as many messages went out as the day may have. */
export function stopForToday(input: { cap: number; waitSeconds: number; now: Date }): Decision<SmsBreakerEvent> {
  const minutes = Math.ceil((input.now.getTime() + input.waitSeconds * 1000) / 60_000)
  const until = new Date(minutes * 60_000).toISOString()
  const data = { country: EVERYWHERE, cause: 'daily_cap' as const, sent: input.cap, until }
  return { events: [{ type: 'SmsBreakerTripped', data }], refuse: 'sms_unavailable' }
}

export function liftBreaker(state: SmsBreaker, reason: string): Decision<SmsBreakerEvent> {
  if (state.status === 'none') return { events: [], refuse: 'not_found' }
  return { events: state.status === 'tripped' ? [{ type: 'SmsBreakerLifted', data: { reason } }] : [] }
}
