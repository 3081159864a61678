import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalScope, satisfies } from '../../packages/auth-server/src/scope.ts'
import { CATALOGUE, isKnownScope, mayHold, SCOPES_OF_ROLE } from '../../shared/domain/scopes.ts'

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

describe('isKnownScope', () => {
  test.each([...CATALOGUE, 'memories:team:read', 'memories:personal:*', 'projects:admin', 'api-keys:rotate'])(
    'yes: %s',
    (scope) => {
      expect(isKnownScope(scope)).toBe(true)
    },
  )
  test.each([
    'foo',
    '',
    'memories',
    'memories:',
    ':read',
    'a:*:b',
    'mem*:read',
    'memories:*:x',
    'memories:re ad',
    'memories:b\n',
    '**',
  ])('no: %j', (scope) => {
    expect(isKnownScope(scope)).toBe(false)
  })
  test.each(['identities:merge', 'maple:read', 'notes:read'])('%s only where a resource defines it', (scope) => {
    expect([isKnownScope(scope), isKnownScope(scope, [scope])]).toEqual([false, true])
  })
  test('one spelling: dots, the singular, the old name of key management', () => {
    expect(['memories.read', 'memory:*', 'api_keys:manage'].map(canonicalScope)).toEqual([
      'memories:read',
      'memories:*',
      'api-keys:*',
    ])
  })
})

describe('mayHold', () => {
  test('a normal user holds nothing that a consumer could take for an administrator’s, nor what is for services', () => {
    for (const scope of ['*', 'admin:*', 'legacy:full_access', 'projects:admin', 'administer:all', 'identities:merge'])
      expect([scope, ...['user', 'admin', 'platform_admin'].map((role) => mayHold(role, scope, [scope]))]).toEqual([
        scope,
        false,
        false,
        true,
      ])
    expect(mayHold('user', 'memories:*')).toBe(true)
  })

  test('a scope that a resource or application defines is for everyone, an undefined one for no one', () => {
    expect([mayHold('user', 'maple:read', ['maple:read']), mayHold('user', 'maple:read')]).toEqual([true, false])
  })

  test.each(['admin', 'member', 'constructor', 'Admin', ''])('the role %j has what a user has', (role) => {
    const held = (one: string) => CATALOGUE.filter((scope) => mayHold(one, scope))
    expect(held(role)).toEqual(held('user'))
  })

  test('a user has the catalogue without what is for operators', () => {
    expect(CATALOGUE.filter((scope) => !mayHold('user', scope))).toEqual(['admin:*', 'legacy:full_access', '*'])
  })
})

test('docs/api-keys.md says what each role may have', () => {
  const rows = readFileSync('docs/api-keys.md', 'utf8').matchAll(
    /^\| ((?:`[a-z_]+`(?:, )?)+) \| ((?:`[a-z_:*-]+` ?)+) \|$/gm,
  )
  const words = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word)
  const printed = [...rows].flatMap(([, roles, scopes]) => words(roles).map((role) => [role, words(scopes)]))
  expect(Object.fromEntries(printed)).toEqual(SCOPES_OF_ROLE)
})
