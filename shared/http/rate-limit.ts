import type postgres from 'postgres'
import { atOnce } from '../at-once.ts'
import type { RateLimit } from '../events/store.ts'
import type { Personal } from '../personal.ts'

export type Limiter = ReturnType<typeof createLimiter>

/**
 * Rate limits in Postgres, so that every instance counts together (standards NF8). A bucket's name is a rule and the keyed
 * digest of what it limits, so the table shows no address.
 */
export function createLimiter(writes: postgres.Sql, personal: Personal) {
  return {
    /**
     * A limit of a rule for one caller, address or client.
     * @param seconds length of the window, which begins with the first hit
     */
    limit(rule: string, key: string, max: number, seconds: number): RateLimit {
      return { bucket: `${rule}:${seconds}:${personal.digest(key).toString('hex').slice(0, 40)}`, seconds, max }
    },

    /** Counts a hit in each; the seconds to wait when one is over its limit, otherwise 0. */
    async hit(limits: RateLimit[]): Promise<number> {
      if (limits.length === 0) return 0
      const [row] = await atOnce(writes<{ wait: number }[]>`
        select auth_gateway.hit_rate_limits(${writes.json(limits)}) as wait`)
      return row?.wait ?? 0
    },
  }
}

const groupsOf = (text: string | undefined) => (text ? text.split(':') : [])

/** The first groups of an IPv6 address, however its zeros are written. */
function prefix(ip: string, groups: number): string {
  const [head, tail] = (ip.split('%', 1)[0] ?? '').split('::')
  const [left, right] = [groupsOf(head), groupsOf(tail)]
  const all =
    tail === undefined ? left : [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right]
  return all
    .slice(0, groups)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}

/** The part of an address that one subscriber controls: IPv4 whole, IPv6 its /64. */
export function addressKey(ip: string | undefined): string {
  return ip?.includes(':') ? prefix(ip, 4) : (ip ?? 'unknown')
}

/** The network an address is in: IPv4 its /24, IPv6 the /48 that one site may have. */
export function networkKey(ip: string | undefined): string {
  return ip?.includes(':') ? prefix(ip, 3) : addressKey(ip).split('.').slice(0, 3).join('.')
}
