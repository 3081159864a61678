import type postgres from 'postgres'
import { countByDay } from '../../shared/queries/console.ts'
import { words } from './console-words.ts'

const DAYS = 14
const DAY_MS = 86_400_000

/** Event types of each chart. */
const CHARTS: [title: keyof typeof words.charts, types: string[]][] = [
  ['signIns', ['SessionStarted']],
  [
    'failures',
    [
      'OtpAttemptFailed',
      'OtpChallengeLocked',
      'TotpCodeRefused',
      'RequestRefused',
      'RefusalsCounted',
      'RefreshTokenReplayed',
    ],
  ],
  ['messages', ['MessageAccepted']],
  ['undelivered', ['MessageFailed', 'MessageBounced', 'MessageComplained']],
]

/** Sign-ins, failures and messages per day, for one organization or all. */
export async function chartsOf(sql: postgres.Sql, organizationId: string | undefined, now: Date) {
  const first = new Date(Math.floor(now.getTime() / DAY_MS) * DAY_MS - (DAYS - 1) * DAY_MS)
  const types = CHARTS.flatMap(([, list]) => list)
  const counts = await countByDay(sql, organizationId, { types, since: first })
  const days = Array.from({ length: DAYS }, (_, n) => new Date(first.getTime() + n * DAY_MS).toISOString().slice(0, 10))
  return CHARTS.map(([title, list]) => ({
    title: words.charts[title],
    bars: days.map((day) => ({
      label: day,
      count: counts
        .filter((one) => one.day === day && list.includes(one.type))
        .reduce((sum, one) => sum + one.count, 0),
    })),
  }))
}
