import { describe, expect, test } from 'vitest'
import {
  liftBreaker,
  type SmsBreakerEvent,
  smsBreaker,
  stopForToday,
  watchPumping,
} from '../../shared/domain/sms-breaker.ts'
import { given, NOW, stateOf } from '../support/given.ts'

const tripped: SmsBreakerEvent = {
  type: 'SmsBreakerTripped',
  data: { country: 'CH', cause: 'pumping', sent: 30, entered: 5, until: '2026-03-01T12:15:00.000Z' },
}

describe('pumping', () => {
  test('sms_unavailable and a trip when of many codes fewer than a fifth are entered', () => {
    given(smsBreaker)
      .when(() => watchPumping({ country: 'CH', sent: 30, entered: 5, least: 30, earlier: 0, now: NOW }))
      .then([tripped], 'sms_unavailable')
  })

  test.each([
    ['too few codes to tell', { sent: 29, entered: 0 }],
    ['a fifth of them entered', { sent: 30, entered: 6 }],
    ['all of them entered', { sent: 1000, entered: 1000 }],
    ['nothing sent', { sent: 0, entered: 0 }],
  ])('nothing for %s', (_, figures) => {
    given(smsBreaker)
      .when(() => watchPumping({ country: 'CH', least: 30, earlier: 0, now: NOW, ...figures }))
      .then([])
  })
})

test.each([
  [0, '2026-03-01T12:15:00.000Z'],
  [1, '2026-03-01T12:30:00.000Z'],
  [4, '2026-03-01T16:00:00.000Z'],
  [5, '2026-03-01T18:00:00.000Z'],
  [99, '2026-03-01T18:00:00.000Z'],
])('after %i stops of a day the next one ends at %s', (earlier, until) => {
  const { events } = watchPumping({ country: 'CH', sent: 5, entered: 0, least: 5, earlier, now: NOW })
  expect(events.map(({ data }) => data)).toEqual([{ country: 'CH', cause: 'pumping', sent: 5, entered: 0, until }])
})

test('sms_unavailable and a trip until the day is over, rounded up to a minute so that two checks agree', () => {
  const at = (seconds: number) =>
    stopForToday({ cap: 1000, waitSeconds: 61, now: new Date(NOW.getTime() + seconds * 1000) })
  expect(at(0)).toEqual({
    events: [
      {
        type: 'SmsBreakerTripped',
        data: { country: '*', cause: 'daily_cap', sent: 1000, until: '2026-03-01T12:02:00.000Z' },
      },
    ],
    refuse: 'sms_unavailable',
  })
  expect(at(30)).toEqual(at(0))
})

test('lifted once, and not_found where nothing tripped', () => {
  const lifted: SmsBreakerEvent = { type: 'SmsBreakerLifted', data: { reason: 'a campaign' } }
  given(smsBreaker, tripped)
    .when((state) => liftBreaker(state, 'a campaign'))
    .then([lifted])
  given(smsBreaker, tripped, lifted)
    .when((state) => liftBreaker(state, 'again'))
    .then([])
  expect(liftBreaker(stateOf(smsBreaker, []), 'x')).toEqual({ events: [], refuse: 'not_found' })
})
