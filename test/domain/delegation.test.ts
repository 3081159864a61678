import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { satisfies } from '../../packages/auth-server/src/scope.ts'
import { type ActorClaim, addActor, delegatedScope } from '../../shared/domain/delegation.ts'
import { CATALOGUE } from '../../shared/domain/scopes.ts'

describe('delegatedScope', () => {
  test.each<[string, { held: string; allowed: string; asked?: string }, string | undefined]>([
    ['what both have', { held: 'memories:read mcp:connect', allowed: 'memories:read ai:chat' }, 'memories:read'],
    [
      'what a wildcard of the one covers for the other',
      { held: 'memories:*', allowed: 'memories:read' },
      'memories:read',
    ],
    ['the same the other way round', { held: 'memories:read', allowed: 'memories:*' }, 'memories:read'],
    ['less, when less is asked for', { held: 'a:x a:y', allowed: 'a:x a:y', asked: 'a:y' }, 'a:y'],
    ['nothing wider than the subject', { held: 'a:x', allowed: 'a:x a:y', asked: 'a:x a:y' }, undefined],
    ['nothing wider than the service', { held: 'a:x a:y', allowed: 'a:x', asked: 'a:x a:y' }, undefined],
    ['no wildcard for a part of it', { held: 'a:x', allowed: 'a:*', asked: 'a:*' }, undefined],
    ['nothing when they share nothing', { held: 'a:x', allowed: 'b:x' }, undefined],
    ['nothing when nothing is asked for by name', { held: 'a:x', allowed: 'a:x', asked: '' }, undefined],
  ])('%s', (_, { held, allowed, asked }, expected) => {
    const split = (text: string) => text.split(' ').filter(Boolean)
    const input = { held: split(held), allowed: split(allowed), ...(asked !== undefined && { asked: split(asked) }) }
    expect(delegatedScope(input)?.join(' ')).toBe(expected)
  })

  test('is never wider than either, whatever is held, allowed and asked for', () => {
    const some = fc.subarray([...CATALOGUE], { maxLength: 6 })
    const input = fc.record({ held: some, allowed: some, asked: fc.option(some, { nil: undefined }) })
    fc.assert(
      fc.property(input, ({ held, allowed, asked }) => {
        for (const one of delegatedScope({ held, allowed, asked }) ?? [])
          expect([satisfies(held, one), satisfies(allowed, one)]).toEqual([true, true])
      }),
    )
  })
})

describe('addActor', () => {
  test('puts who acts now around who acted before, four deep', () => {
    const chain = ['a', 'b', 'c', 'd'].reduce<ActorClaim | undefined>((before, sub) => addActor(sub, before), undefined)
    expect(chain).toEqual({ sub: 'd', act: { sub: 'c', act: { sub: 'b', act: { sub: 'a' } } } })
    expect(addActor('e', chain)).toBeUndefined()
  })
})
