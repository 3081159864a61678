import { describe, expect, test } from 'vitest'
import { chooseResources, narrowResources } from '../../shared/access/resource.ts'
import type { ClientMetadata } from '../../shared/domain/api-client.ts'
import { GatewayError } from '../../shared/errors.ts'
import { CODE_CHALLENGE, CODE_VERIFIER, challengeOf } from '../../shared/oauth/authorize/pkce.ts'
import { askedScope, narrowScope, parseScope } from '../../shared/oauth/token/scope.ts'
import type { Client } from '../../shared/queries/api-clients.ts'

describe('RFC 7636: PKCE', () => {
  const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
  const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

  test('appendix B: the example of the RFC', () => {
    expect(challengeOf(VERIFIER)).toBe(CHALLENGE)
    expect(VERIFIER).toMatch(CODE_VERIFIER)
    expect(CHALLENGE).toMatch(CODE_CHALLENGE)
  })

  test.each([
    [true, 'a'.repeat(43)],
    [true, '-._~'.repeat(32)],
    [false, 'a'.repeat(42)],
    [false, 'a'.repeat(129)],
    [false, `${'a'.repeat(42)}+`],
    [false, `${'a'.repeat(42)} `],
    [false, `${'a'.repeat(43)}\n`],
    [false, `${'a'.repeat(42)}ä`],
    [false, ''],
  ])('section 4.1: %s for the verifier %j', (valid, verifier) => {
    expect(CODE_VERIFIER.test(verifier)).toBe(valid)
  })

  test.each([
    [false, CHALLENGE.slice(1)],
    [false, `${CHALLENGE}=`],
    [false, `${CHALLENGE.slice(1)}.`],
    [false, `${CHALLENGE}\n`],
    [false, VERIFIER.repeat(2)],
  ])('section 4.2: %s for the challenge %j', (valid, challenge) => {
    expect(CODE_CHALLENGE.test(challenge)).toBe(valid)
  })
})

describe('RFC 6749 section 3.3: scope', () => {
  test.each<[string, string[] | undefined]>([
    ['', []],
    ['   ', []],
    ['read', ['read']],
    [' read  write ', ['read', 'write']],
    ['read read', ['read']],
    ['Read read', ['Read', 'read']],
    ['memories:read!#[]~', ['memories:read!#[]~']],
    ['re"ad', undefined],
    ['re\\ad', undefined],
    ['read\twrite', undefined],
    ['read\nwrite', undefined],
    ['read\u0000', undefined],
    ['réad', undefined],
  ])('parses %j', (text, expected) => {
    expect(parseScope(text)).toEqual(expected)
  })

  test.each<[string | undefined, string[] | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['  ', undefined],
    [' read ', ['read']],
    ['re"ad', []],
  ])('asks for %j', (text, expected) => {
    expect(askedScope(text)).toEqual(expected)
  })

  const client = {
    metadata: { scope: 'memories:read memories:write', default_scope: 'memories:read extra' } as ClientMetadata,
  } as Client

  test.each<[string | undefined, string[] | undefined]>([
    [undefined, ['memories:read', 'extra']],
    ['memories:write', ['memories:write']],
    ['memories:read memories:write', ['memories:read', 'memories:write']],
    ['openid profile email offline_access', ['openid', 'profile', 'email', 'offline_access']],
    ['extra', ['extra']],
    ['memories:read unknown', ['memories:read']],
    ['unknown', undefined],
    ['MEMORIES:READ', undefined],
    ['memories', undefined],
    ['memories:read\u0007', undefined],
    ['', ['memories:read', 'extra']],
    ['  ', ['memories:read', 'extra']],
  ])('narrows %j', (requested, expected) => {
    expect(narrowScope(client, requested)).toEqual(expected)
  })
})

describe('RFC 8707: resource indicators', () => {
  const resource = (identifier: string, is_default = false) => ({ identifier, name: 'R', scopes: [], is_default })
  const API = 'https://api.example.com'
  const MCP = 'https://mcp.example.com/mcp'
  const known = [resource(API, true), resource(MCP)]

  test.each([undefined, []])('section 2: the default resource for %j', (requested) => {
    expect(chooseResources(known, requested)).toEqual([API])
  })

  test.each<[string[], string[]]>([
    [[MCP], [MCP]],
    [[`${MCP}/`], [MCP]],
    [[`${API}/`], [API]],
    [['HTTPS://API.Example.com:443'], [API]],
    [
      [MCP, API],
      [MCP, API],
    ],
    [[API, `${API}/`], [API]],
  ])('section 2: %j answers in the registered form', (requested, expected) => {
    expect(chooseResources(known, requested)).toEqual(expected)
  })

  test.each([
    'https://other.example.com',
    'http://api.example.com',
    'https://api.example.com:8443',
    'https://api.example.com/v1',
    'https://api.example.com?x=1',
    'https://api.example.com#fragment',
    'https://api.example.com#',
    'https://api.example.com.evil.example',
    'https://mcp.example.com/MCP',
    'https://mcp.example.com/mcp//',
    'api.example.com',
    '/mcp',
    'urn:example:api',
    'javascript:alert(1)',
    '',
  ])('invalid_target: %j', (asked) => {
    expect(() => chooseResources(known, [asked])).toThrow(expect.objectContaining({ refusal: 'invalid_target' }))
    expect(() => chooseResources(known, [API, asked])).toThrow(GatewayError)
  })

  test('section 2.2: a token request may only narrow what was granted', () => {
    expect(narrowResources([API, MCP], undefined)).toEqual([API, MCP])
    expect(narrowResources([API, MCP], [])).toEqual([API, MCP])
    expect(narrowResources([API, MCP], [MCP])).toEqual([MCP])
    expect(narrowResources([API, MCP], [`${MCP}/`, `${API}/`])).toEqual([API, MCP])
    expect(() => narrowResources([API], [MCP])).toThrow(expect.objectContaining({ refusal: 'invalid_target' }))
    expect(() => narrowResources([], [API])).toThrow(expect.objectContaining({ refusal: 'invalid_target' }))
  })
})
