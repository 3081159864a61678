import { beforeAll, describe, expect, test, vi } from 'vitest'
import { api, type Body } from '../support/api-keys.ts'
import { addClient, eventsOf, IP_HEADER, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { createBrowser, passSignIn, post, postJson, type SignedInBrowser, signIn } from '../support/sign-in.ts'
import { withClockAhead } from '../support/time.ts'

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const CLIENT = 'lanonasis-mcp-cli'

const gateway = useGateway({ countStatements: true })
let ada: SignedInBrowser
beforeAll(async () => {
  ada = await signIn(gateway)
})

const start = async (fields: Record<string, string> = {}, path = '/oauth/device'): Promise<Body> =>
  (await post(gateway, path, { client_id: CLIENT, ...fields })).body
const poll = (device_code: string, client_id = CLIENT) =>
  post(gateway, '/oauth/token', { grant_type: DEVICE_CODE, device_code, client_id })
const refused = (error: string, status = 400) => ({ status, body: { error } })
const openPage = ({ browser }: SignedInBrowser, code: string) => browser.visit(`/oauth/device?code=${code}`)

async function decide(person: SignedInBrowser, code: string, decision: 'approve' | 'deny') {
  const page = await openPage(person, code)
  return person.browser.submit(page, { decision }, '/oauth/device/decision')
}

describe('the request', () => {
  test.each(['/oauth/device', '/api/v1/oauth/device'])('200 at %s, as a form and as JSON', async (path) => {
    const { status, body, headers } = await post(gateway, path, { client_id: CLIENT, scope: 'memories:read' })
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toContain('no-store')
    expect(body).toEqual({
      device_code: expect.stringMatching(/^[\w-]{43}$/),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: `${gateway.url}/oauth/device`,
      verification_uri_complete: `${gateway.url}/oauth/device?code=${body.user_code}`,
      expires_in: 900,
      interval: 5,
    })
    expect((await postJson(gateway, path, { client_id: CLIENT })).status).toBe(200)
    const stored = JSON.stringify(
      await gateway.sql`select * from auth_gateway.event_store where stream_type = 'device_authorization'`,
    )
    expect(stored).not.toContain(body.device_code)
    expect(stored).not.toContain(body.user_code.replace('-', ''))
  })

  test('200 for the scope of before, which was a project’s name', async () => {
    expect((await start({ scope: 'lanonasis-maas' })).user_code).toBeTruthy()
  })

  test('400 and 401 for no client, a bad scope or resource, or a client without the grant', async () => {
    expect(await post(gateway, '/oauth/device', {})).toMatchObject(refused('invalid_request'))
    expect(await start({ scope: 'admin:*' })).toMatchObject({ error: 'invalid_scope' })
    expect(await start({ resource: 'https://elsewhere.example' })).toMatchObject({ error: 'invalid_target' })
    expect(await start({ client_id: 'vscode-extension' })).toMatchObject({ error: 'unauthorized_client' })
  })

  test('an unknown client becomes a minimal one where the switch is open, and is refused where it is not', async () => {
    const opened = await post(gateway, '/oauth/device', { client_id: 'test-client', scope: 'memories:read' })
    expect(opened.status).toBe(200)
    const [client] = await gateway.sql`select * from auth_gateway.api_clients where client_id = 'test-client'`
    expect(client).toMatchObject({ origin: 'dynamic', first_party: false })
    const config = gateway.gateway.config as { REGISTER_UNKNOWN_CLIENTS?: boolean }
    const spy = vi
      .spyOn(gateway.gateway, 'config', 'get')
      .mockReturnValue({ ...config, REGISTER_UNKNOWN_CLIENTS: false } as never)
    expect(await post(gateway, '/oauth/device', { client_id: 'unknown-one' })).toMatchObject(
      refused('invalid_client', 401),
    )
    spy.mockRestore()
  })
})

describe('the page', () => {
  test('shows what is asked and by whom, and connects only by its button', async () => {
    const { device_code, user_code } = await start({ scope: 'memories:read memories:delete' })
    const page = await openPage(ada, user_code)
    for (const words of [
      'LanOnasis MCP CLI',
      user_code,
      ada.email,
      'Delete your memories for good',
      'Go on only if you started this',
    ])
      expect(page.html).toContain(words)
    expect(await poll(device_code)).toMatchObject(refused('authorization_pending'))
    const done = await ada.browser.submit(page, { decision: 'approve' }, '/oauth/device/decision')
    expect(done.html).toContain('The device is connected')
    const { status, body } = await poll(device_code)
    expect([status, body.scope, body.token_type]).toEqual([200, 'memories:read memories:delete', 'Bearer'])
    expect(body.refresh_token).toBeTruthy()
    const me = await api(gateway, 'GET', '/v1/auth/me', { token: body.access_token })
    expect(me.body.email).toBe(ada.email)
  })

  test('asks a signed-out user to sign in, and returns to the code', async () => {
    const { user_code } = await start()
    const browser = createBrowser(gateway)
    const signInPage = await browser.visit(`/oauth/device?code=${user_code}`)
    expect(signInPage.url).toContain('/web/login')
    const page = await passSignIn(gateway, browser, signInPage, newEmail())
    expect(page.html).toContain(user_code)
  })

  test.each(['lower case', 'without the dash', 'with spaces'])('takes a code %s', async (how) => {
    const { user_code } = await start()
    const typed =
      how === 'lower case' ? user_code.toLowerCase() : user_code.replace('-', how === 'with spaces' ? '  ' : '')
    expect((await openPage(ada, encodeURIComponent(typed))).html).toContain('Connect this device?')
  })

  test('the first session that opens a code owns it', async () => {
    const { user_code, device_code } = await start()
    await openPage(ada, user_code)
    const eve = await signIn(gateway)
    const theirs = await openPage(eve, user_code)
    expect([theirs.status, theirs.html.includes('The code is wrong, expired or already used')]).toEqual([400, true])
    expect((await decide(ada, user_code, 'approve')).html).toContain('The device is connected')
    expect((await poll(device_code)).status).toBe(200)
  })

  test('denies', async () => {
    const { user_code, device_code } = await start()
    expect((await decide(ada, user_code, 'deny')).html).toContain('Denied')
    expect(await poll(device_code)).toMatchObject(refused('access_denied'))
  })

  test('403 for a decision without the token of the page, and for a page of another site', async () => {
    const { user_code, device_code } = await start()
    await openPage(ada, user_code)
    const forge = (csrf: string) =>
      ada.browser.visit('/oauth/device/decision', {
        method: 'POST',
        body: new URLSearchParams({ user_code, decision: 'approve', csrf }),
      })
    expect((await forge('')).status).toBe(403)
    expect((await forge('forged')).status).toBe(403)
    expect(await poll(device_code)).toMatchObject(refused('authorization_pending'))
  })

  test('an unknown code says so; after ten attempts the answer is always the same', async () => {
    const { browser } = await signIn(gateway)
    const pages = []
    for (let n = 0; n < 12; n++) pages.push(await browser.visit('/oauth/device?code=BBBB-BBBB'))
    expect(pages.slice(0, 10).map(({ status }) => status)).toEqual(Array(10).fill(400))
    expect(pages.slice(10).map(({ status }) => status)).toEqual([429, 429])
    const { user_code } = await start()
    expect((await browser.visit(`/oauth/device?code=${user_code}`)).status).toBe(429)
  })
})

describe('polling', () => {
  test('one statement and no write while it waits', async () => {
    const { device_code } = await start()
    await poll(device_code)
    const [before] = await gateway.sql`select max(position) as newest from auth_gateway.event_store`
    gateway.takeStatements()
    expect(await withClockAhead(4600, () => poll(device_code))).toMatchObject(refused('authorization_pending'))
    expect(gateway.takeStatements()).toBe(1)
    const [after] =
      await gateway.sql`select max(position) as newest from auth_gateway.event_store where event_type <> 'RequestRefused'`
    expect(Number(after?.newest)).toBeLessThanOrEqual(Number(before?.newest))
  }, 15_000)

  test('slow_down for polling too fast, which is stored with the code', async () => {
    const { device_code } = await start()
    await poll(device_code)
    expect(await poll(device_code)).toMatchObject(refused('slow_down'))
    expect(await poll(device_code)).toMatchObject(refused('slow_down'))
    const slowed = (await eventsOf(gateway, 'device_authorization')).filter(
      ({ event_type }) => event_type === 'DevicePollingSlowed',
    )
    expect(slowed.at(-1)?.data).toEqual({ interval: 15 })
  })

  test('expired_token once its time is over', async () => {
    const { device_code } = await start()
    expect(await withClockAhead(901_000, () => poll(device_code))).toMatchObject(refused('expired_token'))
  })

  test('invalid_grant for another client, a made-up code, and a code that was used', async () => {
    const { device_code, user_code } = await start()
    await decide(ada, user_code, 'approve')
    expect(await poll(device_code, 'onasis-cli')).toMatchObject(refused('invalid_grant'))
    expect(await poll('x'.repeat(43))).toMatchObject(refused('invalid_grant'))
    expect((await poll(device_code)).status).toBe(200)
    expect(await poll(device_code)).toMatchObject(refused('invalid_grant'))
  })

  test('200 for exactly one of twenty polls at once after the approval', async () => {
    const { device_code, user_code } = await start()
    await decide(ada, user_code, 'approve')
    const answers = await Promise.all(Array.from({ length: 20 }, () => poll(device_code)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(400)])
  })

  test('approve and poll at once issue at most one token, and lose none', async () => {
    const { device_code, user_code } = await start()
    const page = await openPage(ada, user_code)
    const [, ...answers] = await Promise.all([
      ada.browser.submit(page, { decision: 'approve' }, '/oauth/device/decision'),
      ...Array.from({ length: 10 }, () => poll(device_code)),
    ])
    const got = answers.filter(({ status }) => status === 200).length
    const last = await poll(device_code)
    expect(got + (last.status === 200 ? 1 : 0)).toBe(1)
  })

  test('a confidential client must prove itself', async () => {
    const metadata = {
      grant_types: [DEVICE_CODE],
      response_types: [],
      redirect_uris: [],
      scope: 'memories:read',
      default_scope: 'memories:read',
    }
    await addClient(gateway, 'tv', { ...metadata, token_endpoint_auth_method: 'client_secret_post' })
    expect(await post(gateway, '/oauth/device', { client_id: 'tv' })).toMatchObject(refused('invalid_client', 401))
    expect((await post(gateway, '/oauth/device', { client_id: 'tv', client_secret: 'a secret: +%' })).status).toBe(200)
  })
})

describe('the helpers for pages of others', () => {
  const helper = (path: string, body: object) => postJson(gateway, `/oauth/device${path}`, body)

  test('check, verify with one code, authorize', async () => {
    const { user_code, device_code } = await start()
    const email = newEmail()
    const check = await api(gateway, 'GET', `/oauth/device/check?code=${user_code}`)
    expect([check.status, check.body]).toEqual([200, { valid: true, client_id: CLIENT }])
    expect((await helper('/verify', { user_code, email })).body).toMatchObject({ success: true, requires_otp: true })
    expect(gateway.inbox.sent.filter(({ to }) => to === email)).toHaveLength(1)
    expect(await helper('/authorize', { user_code, email, otp_code: '000000' })).toMatchObject({ status: 400 })
    const otp_code = gateway.inbox.codeFor(email)
    const done = await helper('/authorize', { user_code, email, otp_code })
    expect(done).toMatchObject({ status: 200, body: { success: true, user: { email } } })
    expect((await poll(device_code)).status).toBe(200)
  })

  test('404 and 400 for an invalid code; deny', async () => {
    expect((await api(gateway, 'GET', '/oauth/device/check?code=BBBB-CCCC')).status).toBe(404)
    expect((await api(gateway, 'GET', '/oauth/device/check')).status).toBe(400)
    expect(await helper('/verify', { user_code: 'nonsense', email: newEmail() })).toMatchObject(
      refused('invalid_grant'),
    )
    const { user_code, device_code } = await start()
    expect((await helper('/deny', { user_code })).body).toMatchObject({ success: true })
    expect(await poll(device_code)).toMatchObject(refused('access_denied'))
  })
})

describe('the notice', () => {
  test('its link shows a page, and the button ends what the device got', async () => {
    const person = await signIn(gateway)
    const { user_code, device_code } = await start()
    await decide(person, user_code, 'approve')
    const { access_token: token } = (await poll(device_code)).body
    const notice = await vi.waitFor(() => {
      const found = gateway.inbox.sent.find(({ to, body }) => to === person.email && body.kind === 'device_connected')
      if (!found) throw new Error('no notice')
      return found
    })
    const link = String(notice.body.manage_url)
    const browser = createBrowser(gateway)
    const page = await browser.visit(link)
    expect(page.html).toContain('LanOnasis MCP CLI')
    expect((await api(gateway, 'POST', '/v1/auth/verify', { token })).status).toBe(200)
    expect((await browser.submit(page, {}, '/oauth/device/revoke')).html).toContain('Disconnected')
    expect((await api(gateway, 'POST', '/v1/auth/verify', { token })).status).toBe(401)
    expect((await browser.visit(`${link}x`)).status).toBe(400)
  })

  test('is queued with the approval in one commit, whose page does not wait for its delivery', async () => {
    const person = await signIn(gateway)
    const { user_code } = await start()
    const page = await openPage(person, user_code)
    gateway.inbox.fail({ status: 200, delayMs: 4_000, times: 1 })
    const begun = performance.now()
    const done = await person.browser.submit(page, { decision: 'approve' }, '/oauth/device/decision')
    expect([done.status, performance.now() - begun < 3_000]).toEqual([200, true])
    gateway.inbox.recover()
    const [approved] = (await eventsOf(gateway, 'device_authorization')).slice(-1)
    const rows = await gateway.sql`
      select array_agg(event_type order by position) as types, count(distinct transaction_id)::int as commits
      from auth_gateway.event_store where stream_id = ${approved?.stream_id ?? ''} and event_type in ('DeviceAuthorizationApproved', 'MessageQueued')`
    expect(rows).toEqual([{ types: ['DeviceAuthorizationApproved', 'MessageQueued'], commits: 1 }])
  })

  test('ends an approval that the device has not used yet', async () => {
    const person = await signIn(gateway)
    const { user_code, device_code } = await start()
    await decide(person, user_code, 'approve')
    const notice = await vi.waitFor(() => {
      const found = gateway.inbox.sent.findLast(
        ({ to, body }) => to === person.email && body.kind === 'device_connected',
      )
      if (!found) throw new Error('no notice')
      return found
    })
    const browser = createBrowser(gateway)
    await browser.submit(await browser.visit(String(notice.body.manage_url)), {}, '/oauth/device/revoke')
    expect(await poll(device_code)).toMatchObject(refused('access_denied'))
  })
})

test('guessing codes from one address is stopped, also without signing in', async () => {
  const headers = { [IP_HEADER]: randomIp() }
  const guess = (n: number) =>
    api(gateway, 'GET', `/oauth/device/check?code=BBBB-BB${'BCDFGHJKLMNPQRSTVWXZ'[n]}B`, { headers })
  const statuses = []
  for (let n = 0; n < 15; n++) statuses.push((await guess(n)).status)
  expect(statuses).toEqual([...Array(10).fill(404), ...Array(5).fill(429)])
})
