import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CATALOGUE, canonicalScope, isScope, mayHold, satisfies } from '../../shared/domain/scopes.ts'

describe('satisfies', () => {
  test.each([
    [['memories:read'], 'memories:read'],
    [['memories:*'], 'memories:read'],
    [['memories:*'], 'memories:personal:read'],
    [['memories:personal:*'], 'memories:personal:read'],
    [['memory:read'], 'memories:read'],
    [['memories:write'], 'memory:write'],
    [['*'], 'memories:*'],
    [['*'], 'admin:*'],
    [['legacy:full_access'], 'secrets:write'],
    [['api_keys:manage'], 'api-keys:write'],
    [['profile:read', 'mcp:*'], 'mcp:tools'],
  ])('yes: %j is enough for %s', (granted, needed) => {
    expect(satisfies(granted, needed)).toBe(true)
  })

  test.each([
    [['memories:read'], 'memories:*'],
    [['memories:personal:*'], 'memories:*'],
    [['memories:personal:*'], 'memories:read'],
    [['memories:personal:read'], 'memories:personal:*'],
    [['memories:*'], '*'],
    [['memories:read'], 'memories:write'],
    [['memories:*'], 'memoriesx:read'],
    [['memories:read'], 'memories:read:all'],
    [['mcp:full'], 'mcp:tools'],
    [[], 'memories:read'],
    [['memories:*'], ''],
  ])('no: %j is not enough for %s', (granted, needed) => {
    expect(satisfies(granted, needed)).toBe(false)
  })

  test('a scope that satisfies a wildcard is that wildcard or a wider one', () => {
    const scope = fc.constantFrom(...CATALOGUE, 'memories:personal:*', 'memories:team:read')
    fc.assert(
      fc.property(scope, scope, scope, (a, b, c) => {
        if (satisfies([a], b) && satisfies([b], c)) expect(satisfies([a], c)).toBe(true)
        if (b.endsWith(':*') && satisfies([a], b))
          expect(a === b || a.endsWith('*') || a === 'legacy:full_access').toBe(true)
      }),
    )
  })
})

describe('isScope', () => {
  test.each([...CATALOGUE, 'maple:read', 'memories:team:read', 'a:b:c:*'])('yes: %s', (scope) => {
    expect(isScope(scope)).toBe(true)
  })
  test.each(['foo', '', 'memories', 'memories:', ':read', 'a:*:b', 'Memories:read', 'memories:re ad', 'a:b\n', '**'])(
    'no: %j',
    (scope) => {
      expect(isScope(scope)).toBe(false)
    },
  )
  test('one spelling: dots, the singular, the old name of key management', () => {
    expect(['memories.read', 'memory:*', 'api_keys:manage'].map(canonicalScope)).toEqual([
      'memories:read',
      'memories:*',
      'api-keys:*',
    ])
  })
})

describe('mayHold', () => {
  test('a normal user holds nothing that a consumer could take for an administrator’s', () => {
    for (const scope of ['*', 'admin:*', 'legacy:full_access', 'projects:admin', 'administer:all'])
      expect([scope, mayHold('user', scope), mayHold('admin', scope)]).toEqual([scope, false, true])
    expect(mayHold('user', 'memories:*')).toBe(true)
  })
})
