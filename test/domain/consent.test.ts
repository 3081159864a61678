import { describe, expect, test } from 'vitest'
import { type ConsentEvent, consent, covers, grant } from '../../shared/domain/consent.ts'
import { given, stateOf } from '../support/given.ts'

const API = 'https://api.example.com'
const MCP = 'https://mcp.example.com/mcp'
const granted = (scopes: string[], resources: string[]): ConsentEvent => ({
  type: 'ConsentGranted',
  data: { uai: 'uai', clientId: 'client', scopes, resources },
})
const asked = (scopes: string[], resources: string[]) => ({ uai: 'uai', clientId: 'client', scopes, resources })

describe('covers', () => {
  test.each<[boolean, string[], string[], string[], string[]]>([
    [true, ['read', 'write'], [API], ['read'], [API]],
    [true, ['read'], [API], ['read'], []],
    [true, ['read'], [API], [], []],
    [true, [], [], [], []],
    [false, ['read'], [API], ['read', 'write'], [API]],
    [false, ['read'], [API], ['read'], [MCP]],
    [false, ['read'], [], ['read'], [API]],
    [false, ['read:all'], [API], ['read'], [API]],
    [false, ['read'], [API], ['READ'], [API]],
  ])('%s: allowed %j for %j, asked %j for %j', (expected, scopes, resources, wantedScopes, wantedResources) => {
    expect(covers({ scopes, resources }, wantedScopes, wantedResources)).toBe(expected)
  })
})

describe('grant', () => {
  test('granted: the first consent, sorted and without doubles', () => {
    given(consent)
      .when((state) => grant(state, asked(['write', 'read', 'write'], [API])))
      .then([granted(['read', 'write'], [API])])
  })

  test('granted: what is new is added to what was allowed', () => {
    const after = given(consent, granted(['read'], [API]))
      .when((state) => grant(state, asked(['write'], [MCP])))
      .then([granted(['read', 'write'], [API, MCP])])
    expect(covers(after, ['read', 'write'], [API, MCP])).toBe(true)
  })

  test('nothing: everything asked for is allowed already', () => {
    given(consent, granted(['read', 'write'], [API]))
      .when((state) => grant(state, asked(['read'], [API])))
      .then([])
  })

  test('granted: after a withdrawal nothing of the old consent comes back', () => {
    const withdrawn: ConsentEvent = { type: 'ConsentWithdrawn', data: { reason: 'person' } }
    const history = [granted(['read', 'write'], [API]), withdrawn]
    expect(stateOf(consent, history)).toEqual({ scopes: [], resources: [] })
    given(consent, ...history)
      .when((state) => grant(state, asked(['read'], [])))
      .then([granted(['read'], [])])
  })
})
