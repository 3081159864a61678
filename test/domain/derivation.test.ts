import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endKey, loadKey, narrowChildren, removeKey, stopLeakedKey } from '../../shared/api-keys/key-lineage.ts'
import { type ApiKey, apiKey, createKey, deriveKey, MAX_GENERATIONS, updateKey } from '../../shared/domain/api-key.ts'
import type { ApiKeySettings } from '../../shared/domain/api-key-settings.ts'
import { ACCESS_LEVELS, type Authority, exceeds, tighten } from '../../shared/domain/derivation.ts'
import { blockContains } from '../../shared/domain/network.ts'
import type { Work } from '../../shared/events/commit.ts'
import type { Aggregate, Decision, Event } from '../../shared/events/types.ts'
import { later, NOW } from '../support/given.ts'

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })
const few = <T>(...values: T[]) => fc.subarray(values, { minLength: 1 })
const count = optional(fc.constantFrom(1, 5, 10))
const SCOPES = [
  'memories:*',
  'memories:read',
  'memories:personal:*',
  'memories:personal:read',
  'mcp:connect',
  'api-keys:*',
  '*',
]
const NETWORKS = [
  '0.0.0.0/0',
  '10.0.0.0/8',
  '10.1.0.0/16',
  '10.1.2.3',
  '192.0.2.0/24',
  '2001:db8::/32',
  '2001:db8:1::/48',
]
const rates = { max_calls_per_minute: count, max_calls_per_day: count }
const service = fc.record({
  service_key: fc.constantFrom('memories', 'ai-chat'),
  allowed_actions: optional(fc.subarray(['read', 'write'])),
  ...rates,
})

/** Authority as tokens and keys have it. */
const authority = fc.record({
  scopes: optional(few(...SCOPES)),
  resources: optional(few('https://a.example', 'https://b.example')),
  expiresAt: optional(fc.constantFrom(...[60, 3600, 86_400].map((seconds) => later(seconds).toISOString()))),
  networks: optional(few(...NETWORKS)),
  limits: optional(
    fc.record({ ...rates, max_uses: count, counted_by: optional(fc.constantFrom('key' as const, 'owner' as const)) }),
  ),
  service: optional(fc.constantFrom('all' as const, 'specific' as const)),
  serviceScopes: optional(fc.uniqueArray(service, { selector: (one) => one.service_key, maxLength: 2 })),
  binding: optional(
    fc.record({
      audiences: optional(few('x', 'y')),
      client_id: optional(fc.constantFrom('hermes', 'claude')),
      installation_id: optional(fc.constantFrom('1', '2')),
      public_key_pem: optional(fc.constantFrom('pem')),
      require_request_signature: optional(fc.boolean()),
    }),
  ),
  bound: optional(fc.boolean()),
  accessLevel: optional(fc.constantFrom(...ACCESS_LEVELS)),
}) satisfies fc.Arbitrary<Authority>

describe('exceeds', () => {
  const key: Authority = { scopes: ['memories:read'], expiresAt: later(60).toISOString(), networks: ['10.0.0.0/8'] }
  test.each<[string, Authority, Authority, string[]]>([
    ['nothing in any respect', {}, {}, []],
    ['the same', key, key, []],
    ['what sets no limit', {}, key, ['scopes', 'expires_at', 'allowed_networks']],
    ['no networks listed, which is all', { ...key, networks: [] }, key, ['allowed_networks']],
    ['a wider wildcard', { scopes: ['memories:*'] }, { scopes: ['memories:personal:*'] }, ['scopes']],
    ['another resource', { resources: ['a', 'b'] }, { resources: ['a'] }, ['resources']],
    ['no proof', {}, { bound: true }, ['proof']],
    ['no service limit', { service: 'all' }, { service: 'specific', serviceScopes: [] }, ['service_keys']],
    ['a higher label', { accessLevel: 'admin' }, { accessLevel: 'enterprise' }, ['access_level']],
    ['no label, which claims none', {}, { accessLevel: 'public' }, []],
    ['a binding to another', { binding: { client_id: 'b' } }, { binding: { client_id: 'a' } }, ['binding']],
    [
      'uses counted apart',
      { limits: { max_uses: 1 } },
      { limits: { max_uses: 1, counted_by: 'owner' } },
      ['rate_limits'],
    ],
  ])('%s', (_name, made, from, respects) => {
    expect(exceeds(made, from)).toEqual(respects)
  })

  test('is a preorder: nothing exceeds itself, and what is within a part is within the whole', () => {
    fc.assert(
      fc.property(authority, authority, authority, (a, b, c) => {
        expect(exceeds(a, a)).toEqual([])
        if (exceeds(a, b).length === 0 && exceeds(b, c).length === 0) expect(exceeds(a, c)).toEqual([])
      }),
    )
  })
})

describe('tighten', () => {
  test('is within both, is what was there where that was within, and changes nothing the second time', () => {
    fc.assert(
      fc.property(authority, authority, (made, from) => {
        const tightened = tighten(made, from)
        if (exceeds(made, from).length === 0) expect(tightened).toBe(made)
        if (!tightened) return
        expect([exceeds(tightened, made), exceeds(tightened, from)]).toEqual([[], []])
        expect(tighten(tightened, from)).toBe(tightened)
      }),
      { numRuns: 2000 },
    )
  })

  test('leaves the widest: what is within both is within it', () => {
    fc.assert(
      fc.property(authority, authority, authority, (made, from, other) => {
        if (exceeds(other, made).length > 0 || exceeds(other, from).length > 0) return
        const tightened = tighten(made, from)
        expect(tightened && exceeds(other, tightened)).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })
})

describe('blockContains', () => {
  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.0/8', '10.0.0.0/7', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['0.0.0.0/0', '192.0.2.1', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '192.0.2.1', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::ffff:10.0.0.0/104', '::ffff:10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '::ffff:11.1.2.3', false],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['fe80::1/128', 'fe80::1', true],
  ])('%s and %s: %s', (outer, inner, expected) => {
    expect(blockContains(outer, inner)).toBe(expected)
  })

  test('agrees with Node about every address', () => {
    const v4 = fc.ipV4().map((address) => ({ address, family: 'ipv4' as const, most: 32 }))
    const v6 = fc.ipV6().map((address) => ({ address, family: 'ipv6' as const, most: 128 }))
    const near = (one: { address: string; family: 'ipv4' | 'ipv6'; most: number }) =>
      fc.record({
        block: fc.constant(one),
        prefix: fc.nat(one.most),
        inner: one.family === 'ipv4' ? fc.ipV4() : fc.ipV6(),
      })
    fc.assert(
      fc.property(fc.oneof(v4, v6).chain(near), ({ block: { address, family }, prefix, inner }) => {
        const list = new BlockList()
        list.addSubnet(address, prefix, family)
        expect(blockContains(`${address}/${prefix}`, inner)).toBe(list.check(inner, family))
      }),
      { numRuns: 500 },
    )
  })
})

/** Units of work on streams in memory: the decisions and their order are the real ones. */
function memory() {
  const states = new Map<string, unknown>()
  const open = <S, E extends Event>({ initial, evolve }: Aggregate<S, E>, id: string) => ({
    id,
    get state() {
      return (states.get(id) ?? initial) as S
    },
    decide(decision: (state: S) => Decision<E>) {
      const { events, refuse } = decision(this.state)
      if (refuse) return this.state
      states.set(id, events.reduce(evolve, this.state))
      return this.state
    },
    hold: () => {},
  })
  const work = { load: async <S, E extends Event>(aggregate: Aggregate<S, E>, id: string) => open(aggregate, id) }
  const key = (id: string) => (states.get(id) ?? apiKey.initial) as ApiKey
  return { work: work as unknown as Work, open, key }
}

const settings = authority.map(({ resources: _none, bound: _neither, ...one }): ApiKeySettings => {
  const { scopes = ['memories:read'], accessLevel = 'team', service = 'all', serviceScopes = [] } = one
  return { ...one, scopes: [...scopes], accessLevel, service, serviceScopes: service === 'all' ? [] : serviceScopes }
})

const step = fc.record({
  kind: fc.constantFrom(
    'make',
    'make',
    'make',
    'derive',
    'derive',
    'derive',
    'derive',
    'change',
    'loosen',
    'revoke',
    'delete',
    'leak',
  ),
  at: fc.nat(50),
  settings,
})

describe('any tree of keys', () => {
  test('no key is wider, less restricted or longer-lived than a key it was derived from, and none outlives one', async () => {
    let derived = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
        const { work, open, key } = memory()
        const made: { id: string; line: string[] }[] = []
        const plain = {
          owner: { type: 'person' as const, id: 'o' },
          organizationId: 'o',
          createdBy: 'o',
          origin: 'owner' as const,
        }
        const create = (id: string, one: ApiKeySettings, parent?: string) =>
          open(apiKey, id).decide(() =>
            createKey({ ...plain, name: id, secretHash: id, preview: id, settings: one, parent }),
          )

        for (const [n, { kind, at, settings: asked }] of steps.entries()) {
          const id = `key-${n}`
          const target = made[at % made.length]
          if (kind === 'make' || !target) {
            create(id, asked)
            made.push({ id, line: [] })
          } else if (kind === 'derive') {
            const { state } = await loadKey(work, { id: target.id, createdBy: 'o' })
            const within = state.status === 'none' ? undefined : tighten(asked, state.settings)
            const line = [...target.line, target.id]
            const facts = { keyId: id, createdBy: 'o', settings: n % 4 ? (within ?? asked) : asked }
            const generation = line.length + 1
            const decided = deriveKey(state, { ...facts, generation, now: NOW })
            expect(decided.refuse !== undefined).toBe(decided.events.length === 0)
            if (decided.refuse) continue
            open(apiKey, target.id).decide(() => decided)
            create(id, facts.settings, target.id)
            made.push({ id, line })
            derived += 1
          } else if (kind === 'change' || kind === 'loosen') {
            const stream = await loadKey(work, { id: target.id, createdBy: 'o' })
            const above = key(target.line.at(-1) ?? '')
            const parent = above.status === 'none' ? undefined : above.settings
            stream.decide((state) =>
              updateKey(state, { name: id, settings: asked, parent, mayLoosen: kind === 'loosen' }),
            )
            await narrowChildren(work, stream)
          } else {
            const which = { id: target.id, createdBy: 'o' }
            if (kind === 'revoke') await endKey(work, which, 'test')
            else if (kind === 'delete') await removeKey(work, which, 'test')
            else await stopLeakedKey(work, which, { policy: 'quarantine', source: 'test' })
          }
          for (const { id: one, line } of made) {
            const state = key(one)
            if (state.status !== 'active') continue
            expect(line.length).toBeLessThan(MAX_GENERATIONS)
            for (const before of line) {
              const from = key(before)
              expect([one, before, from.status]).toEqual([one, before, 'active'])
              if (from.status !== 'none') expect(exceeds(state.settings, from.settings)).toEqual([])
            }
          }
        }
      }),
      { numRuns: 300 },
    )
    expect(derived).toBeGreaterThan(300)
  }, 120_000)
})
