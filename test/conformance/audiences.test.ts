import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { api, directSignIn } from '../support/api-keys.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import {
  authorize,
  authorizeParams,
  getTokens,
  newVerifier,
  post,
  postJson,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

const API = 'https://api.lanonasis.com'
const MCP = 'https://mcp.lanonasis.com/mcp'
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const SECRET = 'a secret: +%'
/** Public clients, by what an operator lets their tokens do with the account. */
const CLIENTS = {
  everyday: {
    client_id: 'vscode-extension',
    redirect_uri: 'http://127.0.0.1:8080/callback',
    scope: 'openid memories:read',
  },
  ours: { client_id: 'ours', redirect_uri: 'https://ours.example/callback', scope: 'openid memories:read' },
  theirs: { client_id: 'theirs', redirect_uri: 'https://theirs.example/callback', scope: 'openid memories:read' },
}
type Access = keyof typeof CLIENTS

const gateway = useGateway()
let ada: SignedInBrowser
beforeAll(async () => {
  const { ours, theirs } = CLIENTS
  const isPublic = { token_endpoint_auth_method: 'none' } as const
  await addClient(gateway, 'ours', { ...isPublic, redirect_uris: [ours.redirect_uri] }, true)
  await addClient(gateway, 'theirs', { ...isPublic, redirect_uris: [theirs.redirect_uri] })
  const service = {
    token_endpoint_auth_method: 'client_secret_post' as const,
    grant_types: ['client_credentials', EXCHANGE],
    response_types: [],
    redirect_uris: [],
  }
  const serves = { resources: [API], exchange_resources: [MCP, API, gateway.url] }
  await addClient(gateway, 'gateway-service', { ...service, ...serves }, true)
  ada = await signIn(gateway)
})

/** The audience of a token, always as a list, with the issuer under that name. */
const audienceOf = (token: string) =>
  [decodeJwt(token).aud ?? []].flat().map((one) => (one === gateway.url ? 'issuer' : one))
const named = (resource: string) => (resource === 'issuer' ? gateway.url : resource)
const codeTokens = (access: Access, resource?: string) =>
  getTokens(gateway, ada, { ...CLIENTS[access], resource: resource && named(resource) })
const service = (fields: Record<string, string> | URLSearchParams) => {
  const body = new URLSearchParams(fields)
  body.set('client_id', 'gateway-service')
  body.set('client_secret', SECRET)
  return post(gateway, '/oauth/token', body)
}

describe('H3 a resource that is named is the audience, and the only one', () => {
  test.each(
    (['everyday', 'ours', 'theirs'] as const).flatMap((access) =>
      [API, MCP, 'issuer'].map((one) => [access, one] as const),
    ),
  )('of a token for the client %s and %s, and of what it is refreshed to', async (access, resource) => {
    const { access_token, refresh_token } = await codeTokens(access, resource)
    expect(audienceOf(access_token)).toEqual([resource])
    const { client_id } = CLIENTS[access]
    const { body } = await post(gateway, '/oauth/token', { grant_type: 'refresh_token', refresh_token, client_id })
    expect(audienceOf(body.access_token)).toEqual([resource])
  })

  test('of a device', async () => {
    const device = (await post(gateway, '/oauth/device', { client_id: 'lanonasis-mcp-cli', resource: MCP })).body
    const page = await ada.browser.visit(device.verification_uri_complete)
    await ada.browser.submit(page, { decision: 'approve' }, '/oauth/device/decision')
    const poll = { grant_type: DEVICE_CODE, device_code: device.device_code, client_id: 'lanonasis-mcp-cli' }
    expect(audienceOf((await post(gateway, '/oauth/token', poll)).body.access_token)).toEqual([MCP])
  })

  test.each([MCP, 'issuer'])('of a service for %s', async (resource) => {
    const { body } = await service({ grant_type: 'client_credentials', resource: named(resource) })
    expect(audienceOf(body.access_token)).toEqual([resource])
  })

  test.each([MCP, 'issuer'])('of an exchange for %s', async (resource) => {
    const subject = { subject_token: (await directSignIn(gateway)).token, resource: named(resource) }
    const type = { subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' }
    const { body } = await service({ grant_type: EXCHANGE, ...subject, ...type })
    expect(audienceOf(body.access_token)).toEqual([resource])
  })
})

describe('H3 the default resource applies without one', () => {
  test.each([
    ['everyday', [API, 'issuer']],
    ['ours', [API]],
    ['theirs', [API]],
  ] as const)('and for the client %s: %j, also after a refresh', async (access, expected) => {
    const { access_token, refresh_token } = await codeTokens(access)
    expect(audienceOf(access_token)).toEqual(expected)
    const { client_id } = CLIENTS[access]
    const { body } = await post(gateway, '/oauth/token', { grant_type: 'refresh_token', refresh_token, client_id })
    expect(audienceOf(body.access_token)).toEqual(expected)
  })

  test.each(['cli', 'web', 'api', 'mcp'])(
    'and the account API at a direct sign-in for %s, also after a renewal',
    async (platform) => {
      const { email } = await signIn(gateway)
      await openLimits(gateway)
      await postJson(gateway, '/v1/auth/otp/send', { email })
      const proof = { email, token: gateway.inbox.codeFor(email), platform }
      const { body } = await postJson(gateway, '/v1/auth/otp/verify', proof)
      expect(audienceOf(body.access_token)).toEqual([API, 'issuer'])
      const renewed = await api(gateway, 'POST', '/v1/auth/refresh', { token: body.access_token })
      expect(audienceOf(renewed.body.access_token)).toEqual([API, 'issuer'])
    },
  )

  test('and the account API for a device, a token to paste and an application that single sign-on opens', async () => {
    const device = (await post(gateway, '/oauth/device', { client_id: 'lanonasis-mcp-cli' })).body
    const page = await ada.browser.visit(device.verification_uri_complete)
    await ada.browser.submit(page, { decision: 'approve' }, '/oauth/device/decision')
    const poll = { grant_type: DEVICE_CODE, device_code: device.device_code, client_id: 'lanonasis-mcp-cli' }
    expect(audienceOf((await post(gateway, '/oauth/token', poll)).body.access_token)).toEqual([API, 'issuer'])

    const paste = await ada.browser.submit(await ada.browser.visit('/auth/cli-login'), {}, '/auth/cli-login/token')
    const pasted = /ey[\w-]+\.ey[\w-]+\.[\w-]+/.exec(paste.html)?.[0] ?? ''
    expect(audienceOf(pasted)).toEqual([API, 'issuer'])

    const headers = { cookie: `lanonasis_session=${ada.browser.cookies.get('lanonasis_session')}` }
    const open = (client: string) => api(gateway, 'GET', `/v1/auth/resolve?client_id=${client}`, { headers })
    expect(audienceOf((await open('lanonasis-api-dashboard')).body.access_token)).toEqual([API, 'issuer'])
    expect(audienceOf((await open('ours')).body.access_token)).toEqual([API])
  })

  test('and never the account for a service', async () => {
    expect(audienceOf((await service({ grant_type: 'client_credentials' })).body.access_token)).toEqual([API])
  })
})

describe('H1 the account API is a resource of its own', () => {
  const both = (first: string) => {
    const params = new URLSearchParams(authorizeParams(newVerifier(), CLIENTS.everyday))
    for (const one of [first, gateway.url]) params.append('resource', one)
    return params
  }

  test.each([API, MCP])('invalid_target for it together with %s', async (first) => {
    const page = await ada.browser.visit(`/oauth/authorize?${both(first)}`)
    expect(new URL(page.location ?? '').searchParams.get('error')).toBe('invalid_target')
    const device = new URLSearchParams({ client_id: 'lanonasis-mcp-cli' })
    const credentials = new URLSearchParams({ grant_type: 'client_credentials' })
    const exchange = new URLSearchParams({
      grant_type: EXCHANGE,
      subject_token: (await directSignIn(gateway)).token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    })
    for (const one of [first, gateway.url])
      for (const params of [device, credentials, exchange]) params.append('resource', one)
    expect((await post(gateway, '/oauth/device', device)).body.error).toBe('invalid_target')
    expect((await service(credentials)).body.error).toBe('invalid_target')
    expect((await service(exchange)).body.error).toBe('invalid_target')
  })

  test('a client with both gets each separately, and no more than it was granted', async () => {
    const { client_id } = CLIENTS.everyday
    const narrow = async (resource: string) => {
      const { refresh_token } = await codeTokens('everyday')
      const asked = { grant_type: 'refresh_token', refresh_token, client_id, resource: named(resource) }
      const { body } = await post(gateway, '/oauth/token', asked)
      return body.error ?? audienceOf(body.access_token)
    }
    expect(await narrow('issuer')).toEqual(['issuer'])
    expect(await narrow(API)).toEqual([API])
    expect(await narrow(MCP)).toBe('invalid_target')
  })

  test('an operator who takes the access away ends it with the next token of every family', async () => {
    const { refresh_token } = await codeTokens('everyday')
    const set = (access: string) =>
      gateway.sql`update auth_gateway.api_clients set account_access = ${access} where client_id = 'vscode-extension'`
    await set('none')
    const asked = { grant_type: 'refresh_token', refresh_token, client_id: 'vscode-extension' }
    const { body } = await post(gateway, '/oauth/token', asked)
    await set('everyday')
    expect(audienceOf(body.access_token)).toEqual([API])
  })

  test('its scopes come last, since existing consumers read the first word, and third parties may not request them', async () => {
    const scope = 'account:write account:read openid memories:read'
    const isPublic = { token_endpoint_auth_method: 'none' } as const
    const metadata = { ...isPublic, redirect_uris: ['https://asks.example/'], scope }
    const { client_id, redirect_uri } = await addClient(gateway, 'asks', metadata)
    const first = await getTokens(gateway, ada, { client_id, redirect_uri, scope })
    expect(first.scope).toBe('openid memories:read account:write account:read')
    const refresh = { grant_type: 'refresh_token', refresh_token: first.refresh_token, client_id }
    const { body } = await post(gateway, '/oauth/token', { ...refresh, scope: 'account:read memories:read' })
    expect(body.scope).toBe('memories:read account:read')
    expect(decodeJwt(body.access_token).scope).toBe('memories:read account:read')
    const stranger = { redirect_uris: ['https://stranger.example/'], scope: 'memories:read account:read account:write' }
    expect((await postJson(gateway, '/register', stranger)).body.scope).toBe('memories:read')
  })
})

describe('P5 UserInfo takes any audience, for the scope openid', () => {
  const userinfo = async (token: string) => (await api(gateway, 'GET', '/oauth/userinfo', { token })).status

  test.each([
    ['everyday', MCP],
    ['theirs', API],
    ['theirs', MCP],
    ['theirs', undefined],
  ] as const)('200 for a token of the client %s for %s', async (access, resource) => {
    expect(await userinfo((await codeTokens(access, resource)).access_token)).toBe(200)
  })

  test('403 without openid', async () => {
    const asked = { ...CLIENTS.theirs, scope: 'memories:read' }
    expect(await userinfo((await getTokens(gateway, ada, asked)).access_token)).toBe(403)
  })
})

test('A39 the consent page names every resource that tokens will be for, except the default one', async () => {
  const params = new URLSearchParams(authorizeParams(newVerifier(), { ...CLIENTS.theirs, prompt: 'consent' }))
  for (const one of [API, MCP]) params.append('resource', one)
  expect((await ada.browser.visit(`/oauth/authorize?${params}`)).html).toContain('LanOnasis MCP')
  const everyday = authorizeParams(newVerifier(), { ...CLIENTS.everyday, prompt: 'consent' })
  const page = await ada.browser.visit(`/oauth/authorize?${new URLSearchParams(everyday)}`)
  expect(page.html).toContain('LanOnasis account')
  expect((await authorize(ada.browser, everyday)).get('code')).toMatch(/^[\w-]{64}$/)
})
