import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'
import { GatewayError, type Refusal } from '../errors.ts'
import type { RateLimit } from '../events/store.ts'
import { type Effort, type Limits, type RuleName, rules, windowsOf } from '../limits.ts'
import type { Personal } from '../personal.ts'

export type Limiter = ReturnType<typeof createLimiter>

/**
 * Rate limits in Postgres, shared by all instances (docs/security-rules.md NF8). A bucket is named by its rule and a keyed digest, so
 * that the table contains no addresses.
 */
export function createLimiter(writes: postgres.Sql, personal: Personal, limits: Limits) {
  const ask = async (query: postgres.PendingQuery<{ wait: number }[]>) => (await atOnce(query))[0]?.wait ?? 0
  const digestOf = (key: string) => personal.digest(key).toString('hex').slice(0, 40)
  return {
    /**
     * The limits of a rule for one caller, address or client.
     * @param key what is counted separately
     * @param effort the caller's effort
     */
    of(rule: RuleName, key: string, effort: Effort = 'none'): RateLimit[] {
      const digest = digestOf(key)
      return windowsOf(limits, rule, effort).map(({ max, seconds }) => ({
        ...{ bucket: `${rule}:${seconds}:${digest}`, seconds, max },
        ...('exact' in rules[rule] && { exact: true }),
      }))
    },

    /** Limits that are counted, but not enforced. */
    count: (limits: RateLimit[]) => limits.map((limit) => ({ ...limit, max: UNLIMITED })),

    /** Limits that are reset. */
    reset: (limits: RateLimit[]) => limits.map((limit) => ({ ...limit, reset: true as const })),

    /** A limit given by a setting, such as the daily cap of text messages. */
    share(name: string, key: string, max: number, seconds: number): RateLimit {
      return { bucket: `${name}:${seconds}:${digestOf(key)}`, seconds, max }
    },

    /** Counts a hit in each and returns 0; if one is full, counts none and returns the seconds to wait. */
    async hit(limits: RateLimit[]): Promise<number> {
      return limits.length === 0 ? 0 : ask(writes`select auth_gateway.take_rate_limits(${writes.json(limits)}) as wait`)
    },

    /** Counts a hit in each. @throws GatewayError with the seconds to wait, if one is full */
    async enforce(limits: RateLimit[], refusal: Refusal = 'rate_limited'): Promise<void> {
      const wait = await this.hit(limits)
      if (wait > 0) throw new GatewayError(refusal, { retryAfter: wait })
    },

    /** Returns the seconds until none is full, without counting. */
    async wait(limits: RateLimit[]): Promise<number> {
      return limits.length === 0 ? 0 : ask(writes`select auth_gateway.rate_limit_wait(${writes.json(limits)}) as wait`)
    },
  }
}

const UNLIMITED = 2_147_483_647
