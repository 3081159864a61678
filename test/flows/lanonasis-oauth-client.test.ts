import {
  APIKeyFlow,
  AuthGatewayClient,
  DesktopOAuthFlow,
  MagicLinkFlow,
  TerminalOAuthFlow,
} from '@lanonasis/oauth-client'
import { getSessionTokenFromRequest, getSSOUserFromRequest } from '@lanonasis/oauth-client/server'
import { afterAll, expect, test, vi } from 'vitest'
import { directSignIn, newKey } from '../support/api-keys.ts'
import { newEmail } from '../support/gateway.ts'
import { usePasswordGateway } from '../support/passwords.ts'
import { openLimits } from '../support/rows.ts'
import { signIn } from '../support/sign-in.ts'

const gateway = usePasswordGateway()
afterAll(async () => {
  vi.unstubAllGlobals()
})

const magicLink = () => new MagicLinkFlow({ clientId: 'lanonasis-cli', authBaseUrl: gateway.url })

test('MagicLinkFlow: a code is sent and verified, and the tokens are known to AuthGatewayClient', async () => {
  const email = newEmail('Grace')
  const flow = magicLink()
  expect(await flow.requestOTP(`  ${email.toUpperCase()} `)).toMatchObject({
    success: true,
    type: 'email',
    expires_in: 600,
  })
  const tokens = await flow.verifyOTP(email, ` ${gateway.inbox.codeFor(email)} `)
  expect(tokens).toMatchObject({
    token_type: 'Bearer',
    auth_method: 'otp',
    user: { email: email.toLowerCase(), role: 'user' },
  })

  const client = new AuthGatewayClient({ authBaseUrl: gateway.url })
  expect(await client.validateToken(tokens.access_token)).toMatchObject({
    valid: true,
    type: 'jwt',
    email: email.toLowerCase(),
  })
  expect(await client.introspectToken(tokens.access_token)).toMatchObject({ valid: true, type: 'oauth' })
  const refreshed = await client.refreshToken(tokens.refresh_token ?? '')
  expect(await client.introspectToken(refreshed.refresh_token ?? '')).toMatchObject({ valid: false })
  await client.revokeToken(refreshed.refresh_token ?? '', 'refresh_token')
  expect(await client.validateToken(refreshed.access_token)).toMatchObject({ valid: false })
  await expect(client.refreshToken(refreshed.refresh_token ?? '')).rejects.toThrow(/revoked/)
})

test('MagicLinkFlow: a wrong code and a hasty resend are refused with their sentences', async () => {
  const email = newEmail()
  const flow = magicLink()
  await flow.requestOTP(email)
  const wrong = gateway.inbox.codeFor(email) === '000000' ? '111111' : '000000'
  await expect(flow.verifyOTP(email, wrong)).rejects.toThrow('The code is wrong or has expired.')
  await expect(flow.resendOTP(email)).rejects.toThrow('Rate limited. Please wait before requesting another code.')
  await openLimits(gateway)
  const before = gateway.inbox.codeFor(email)
  expect(await flow.resendOTP(email)).toMatchObject({ success: true })
  await expect(flow.verifyOTP(email, before === gateway.inbox.codeFor(email) ? wrong : before)).rejects.toThrow()
  expect(await flow.verifyOTP(email, gateway.inbox.codeFor(email))).toMatchObject({ user: { email } })
})

test('AuthGatewayClient: junk of any shape is invalid, never an error', async () => {
  const client = new AuthGatewayClient({ authBaseUrl: gateway.url })
  const junk = ['cli_1700000000000_abc', 'a.b.c', 'x'.repeat(64), 'lms_abc', 'vx_abc']
  for (const token of junk) expect(await client.validateToken(token), token).toMatchObject({ valid: false })
  expect((await client.introspectToken('junk')).raw).toEqual({ active: false })
})

test('DesktopOAuthFlow: signs in through its window, refreshes and revokes', async () => {
  const person = await signIn(gateway)
  const open = (url: string) => {
    const opened = { closed: false, close: () => {}, location: { href: 'about:blank' } }
    person.browser
      .visit(url)
      .then((page) => (page.location ? page : person.browser.submit(page, { decision: 'allow' }, '/oauth/consent')))
      .then((page) => {
        opened.location.href = page.location ?? page.url
      })
    return opened
  }
  vi.stubGlobal('window', { screen: { width: 1000, height: 800 }, open })
  const flow = new DesktopOAuthFlow({ clientId: 'lanonasis-mcp-desktop', authBaseUrl: gateway.url })
  const tokens = await flow.authenticate()
  expect(tokens).toMatchObject({ token_type: 'Bearer', scope: 'memories:read memories:write memories:delete profile' })
  const refreshed = await flow.refreshToken(tokens.refresh_token ?? '')
  expect(refreshed.access_token).not.toBe(tokens.access_token)
  await flow.revokeToken(refreshed.access_token)
  const client = new AuthGatewayClient({ authBaseUrl: gateway.url })
  expect(await client.validateToken(refreshed.access_token)).toMatchObject({ valid: false })
})

test('TerminalOAuthFlow: shows a code, waits while the person decides, and gets tokens that refresh', async () => {
  const person = await signIn(gateway)
  const said: string[] = []
  const spies = (['log', 'info', 'error'] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation((...words: unknown[]) => void said.push(words.join(' '))),
  )
  const flow = new TerminalOAuthFlow({ authBaseUrl: gateway.url } as ConstructorParameters<typeof TerminalOAuthFlow>[0])
  const waiting = flow.authenticate()
  const code = () => /[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}/.exec(said.join('\n'))?.[0]
  await expect.poll(code, { timeout: 5000 }).toBeTruthy()
  const page = await person.browser.visit(`/oauth/device?code=${code()}`)
  await person.browser.submit(page, { decision: 'approve' }, '/oauth/device/decision')
  const tokens = await waiting
  for (const spy of spies) spy.mockRestore()
  expect(tokens).toMatchObject({ token_type: 'Bearer', access_token: expect.any(String) })
  const refreshed = await flow.refreshToken(tokens.refresh_token ?? '')
  expect(refreshed.access_token).not.toBe(tokens.access_token)
}, 30_000)

test('APIKeyFlow: a key is accepted unchanged and active; AuthGatewayClient knows its owner', async () => {
  const ada = await directSignIn(gateway)
  const { key } = await newKey(gateway, ada, { scopes: ['memories:read'] })
  const flow = new APIKeyFlow(key, gateway.url)
  expect(await flow.authenticate()).toMatchObject({ access_token: key, token_type: 'api-key' })
  expect(await flow.validateAPIKey()).toBe(true)
  await expect(new APIKeyFlow('sk_other', gateway.url).authenticate()).rejects.toThrow('Invalid API key format')
  const client = new AuthGatewayClient({ authBaseUrl: gateway.url })
  expect(await client.validateToken(key)).toMatchObject({
    valid: true,
    type: 'api_key',
    userId: ada.uai,
    projectScope: 'lanonasis-maas',
    permissions: ['memories:read'],
  })
  const wrong = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`
  expect(await client.validateToken(wrong)).toMatchObject({ valid: false, error: expect.stringContaining(' ') })
})

test('AuthGatewayClient: a Supabase token becomes a session, whose cookies the server helpers read', async () => {
  const email = newEmail('supabase')
  const token = await gateway.supabaseToken(email)
  const client = new AuthGatewayClient({ authBaseUrl: gateway.url })
  const exchanged = await client.exchangeSupabaseToken(token)
  expect(exchanged).toMatchObject({ access_token: expect.any(String), expires_in: expect.any(Number), user: { email } })
  expect(await client.validateToken(exchanged.access_token)).toMatchObject({ valid: true, email })
  await expect(client.exchangeSupabaseToken('junk')).rejects.toThrow()

  const headers = { authorization: `Bearer ${token}` }
  const synced = await fetch(`${gateway.url}/v1/auth/token/exchange`, { method: 'POST', headers })
  expect(await synced.json()).toMatchObject({ cookies_set: true })
  const cookie = synced.headers.getSetCookie().map((line) => line.split(';')[0])
  const request = { headers: { cookie: cookie.join('; ') } } as Parameters<typeof getSSOUserFromRequest>[0]
  expect(getSSOUserFromRequest(request)).toMatchObject({ email, role: 'user' })
  expect(getSessionTokenFromRequest(request)).toMatch(/^[A-Za-z0-9_-]{64}$/)
})
