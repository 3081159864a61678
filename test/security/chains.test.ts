import { beforeAll, describe, expect, test } from 'vitest'
import { api, type Body } from '../support/api-keys.ts'
import { addClient } from '../support/gateway.ts'
import { usePasswordGateway } from '../support/passwords.ts'
import { dpopProof, newSigningKey } from '../support/proofs.ts'
import {
  authorize,
  authorizeParams,
  getTokens,
  newVerifier,
  post,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

const MCP = 'https://mcp.lanonasis.com/mcp'

const gateway = usePasswordGateway()
let victim: SignedInBrowser
let attacker: SignedInBrowser
/** A token with which the attacker merges and links for themselves. */
let own: string
beforeAll(async () => {
  victim = await signIn(gateway)
  attacker = await signIn(gateway)
  own = (await getTokens(gateway, attacker, { resource: gateway.url })).access_token
  await addClient(gateway, 'attackers-agent', { token_endpoint_auth_method: 'client_secret_post' })
})

/** What there is of the victim that an attack would add to or end. */
const possessions = async () =>
  gateway.sql`select stream_type, event_type, count(*)::int from auth_gateway.event_store
    where subject = ${victim.uai} and stream_type <> 'refused_request' group by 1, 2 order by 1, 2`

/** The attack of an operator of a resource server with a token that was sent to it, from the first look to the end of the account. */
const STEPS: Record<string, (token: string) => Promise<{ status: number; body: Body }>> = {
  'reads the sessions': (token) => api(gateway, 'GET', '/v1/auth/sessions', { token }),
  'makes a key': (token) => api(gateway, 'POST', '/api/v1/api-keys', { token, body: { name: 'mine for ever' } }),
  'opens the dashboard': (token) => api(gateway, 'GET', '/v1/auth/resolve?client_id=dashboard-web', { token }),
  'lets its own agent act': (token) => {
    const body = { client_id: 'attackers-agent', scopes: ['memories:write'], expires_in_days: 365 }
    return api(gateway, 'POST', '/v1/auth/agents', { token, body })
  },
  'merges the account into its own': (token) =>
    api(gateway, 'POST', '/v1/auth/identities/merge', { token: own, body: { retired_token: token } }),
  'links its password': async (token) => {
    const supabase = await gateway.supabaseToken()
    return api(gateway, 'POST', '/v1/auth/token/exchange', { token: supabase, body: { subject_token: token } })
  },
  'erases the account': (token) => api(gateway, 'POST', '/v1/auth/me/erase', { token, body: { confirm: victim.uai } }),
}

/** How far an attack gets: the steps that succeed until the first that does not, and that one’s answer. */
async function attack(token: string, steps = Object.keys(STEPS)) {
  const done: string[] = []
  for (const name of steps) {
    const { status, body } = (await STEPS[name]?.(token)) ?? { status: 0, body: {} }
    if (status >= 400) return { done, failed: name, status, code: body.code }
    done.push(name)
  }
  return { done }
}

describe('a token that was sent to a resource server', () => {
  test.each(Object.keys(STEPS))(
    'for that resource alone: the whole attack fails at its first step: %s',
    async (step) => {
      const { access_token } = await getTokens(gateway, victim, { resource: MCP, scope: 'openid profile email' })
      const before = await possessions()
      const steps = [step, ...Object.keys(STEPS).filter((one) => one !== step)]
      const code = step === 'opens the dashboard' ? 'AUTH_REQUIRED' : 'AUTH_TOKEN_INVALID'
      expect(await attack(access_token, steps)).toEqual({ done: [], failed: step, status: 401, code })
      expect(await possessions()).toEqual(before)
    },
  )

  test.each([
    ['opens the dashboard', 'AUTH_TOKEN_INVALID'],
    ['lets its own agent act', 'AUTH_TOKEN_INVALID'],
    ['merges the account into its own', 'AUTH_TOKEN_INVALID'],
    ['links its password', 'AUTH_TOKEN_INVALID'],
    ['erases the account', 'AUTH_TOKEN_INVALID'],
  ])('that it shares with the account: 401 where who acts for the person would change: %s', async (step, code) => {
    const { access_token } = await getTokens(gateway, victim)
    const before = await possessions()
    expect(await attack(access_token, [step])).toEqual({ done: [], failed: step, status: 401, code })
    expect(await possessions()).toEqual(before)
  })

  test('that it shares with the account: a key that it makes ends', async () => {
    const terminal = { client_id: 'lanonasis-cli', redirect_uri: 'http://127.0.0.1:8888/callback', scope: 'read write' }
    const { access_token } = await getTokens(gateway, victim, terminal)
    const { body } = (await STEPS['makes a key']?.(access_token)) ?? { body: {} }
    expect(Date.parse(body.data.expires_at)).toBeLessThan(Date.now() + 366 * 86_400_000)
  })
})

describe('a token that is bound to a key of the victim', () => {
  test.each(['links its password', 'merges the account into its own'])('401 without the proof: %s', async (step) => {
    const verifier = newVerifier()
    const params = authorizeParams(verifier, { resource: gateway.url })
    const { client_id = '', redirect_uri = '' } = params
    const code = (await authorize(victim.browser, params)).get('code') ?? ''
    const form = { grant_type: 'authorization_code', client_id, redirect_uri, code, code_verifier: verifier }
    const proof = await dpopProof(await newSigningKey(), { htm: 'POST', htu: `${gateway.url}/oauth/token` })
    const { access_token: bound } = (await post(gateway, '/oauth/token', form, { dpop: proof })).body
    const before = await possessions()
    expect(await attack(bound, [step])).toEqual({ done: [], failed: step, status: 401, code: 'AUTH_TOKEN_INVALID' })
    expect(await possessions()).toEqual(before)
  })
})
