import { beforeEach, expect, test, vi } from 'vitest'
import { createCall } from '../../shared/call.ts'
import { erasePerson } from '../../shared/people/erasure.ts'
import { findPerson } from '../../shared/queries/identities.ts'
import { IP_HEADER, newEmail, useGateway } from '../support/gateway.ts'
import { codeOf, enrolTotp } from '../support/operators.ts'
import { eventsWhere, openLimits, sessionIdOf } from '../support/rows.ts'
import {
  authorizeParams,
  createBrowser,
  newVerifier,
  passSignIn,
  post,
  postJson,
  type SignedInBrowser,
  signIn,
  textOf,
} from '../support/sign-in.ts'

const gateway = useGateway()
beforeEach(() => openLimits(gateway))

const chrome = (version: number) =>
  `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`
const DASHBOARD = {
  client_id: 'lanonasis-api-dashboard',
  redirect_uri: 'https://dashboard.lanonasis.com/auth/callback',
}
const ELSEWHERE = { [IP_HEADER]: '203.0.113.7', 'user-agent': chrome(140) }

const placesOf = async (uai: string) =>
  (await eventsWhere(gateway, { event_type: 'SignInPlaceSeen', subject: uai })).map(({ data }) => [
    data.seenAt,
    data.notice !== undefined,
  ])
const mailsTo = (email: string) =>
  gateway.inbox.sent.filter(({ to, body }) => to === email && body.kind === 'new_sign_in').map(({ body }) => body)
/** The path of the link in the last notice. */
const linkTo = (email: string) => String(mailsTo(email).at(-1)?.manage_url).slice(gateway.url.length)
/** Moves the notices of the last day to other days. */
const dayLater = (uai: string) => gateway.sql`
  update auth_gateway.sign_in_places set noticed_at = noticed_at - make_interval(days => 2 + (random() * 9999)::integer)
  where uai = ${uai} and noticed_at > now() - interval '1 day'`

/** The cookie of a browser, used elsewhere. */
const stolen = ({ browser }: Pick<SignedInBrowser, 'browser'>) => ({
  ...ELSEWHERE,
  cookie: `lanonasis_session=${browser.cookies.get('lanonasis_session')}`,
  accept: 'text/html',
})
const use = (path: string, headers: Record<string, string>) =>
  fetch(`${gateway.url}${path}`, { headers, redirect: 'manual' })

/** Signs in as a program does, from one address. */
async function directly(email: string, headers: Record<string, string>) {
  await openLimits(gateway)
  await postJson(gateway, '/v1/auth/otp/send', { email }, headers)
  const token = gateway.inbox.codeFor(email)
  const { status, body } = await postJson(gateway, '/v1/auth/otp/verify', { email, token }, headers)
  expect(status).toBe(200)
  return body
}

test('30 sign-ins on 30 days with one browser, which is updated: one place and no notice', async () => {
  const email = newEmail()
  let uai = ''
  for (let day = 0; day < 30; day++) {
    const headers = { [IP_HEADER]: `198.51.100.${day + 1}`, 'user-agent': chrome(120 + day) }
    uai = (await directly(email, headers)).user.id
    await dayLater(uai)
  }
  expect(await placesOf(uai)).toEqual([['sign_in', false]])
  expect(mailsTo(email)).toEqual([])
})

test('a sign-in from another network, or with another browser, is noticed once a day with when, browser and network', async () => {
  const email = newEmail()
  const home = { [IP_HEADER]: '2001:db8:7:1::1', 'user-agent': chrome(140) }
  const { user } = await directly(email, home)
  await directly(email, { ...home, [IP_HEADER]: '2001:db8:7:ffff::2' })
  await directly(email, { ...home, [IP_HEADER]: '2001:db8:8::1' })
  await directly(email, { ...home, 'user-agent': 'curl/8' })
  await vi.waitFor(() => expect(mailsTo(email)).toHaveLength(1))
  expect(mailsTo(email)[0]).toMatchObject({ browser: 'Chrome on Windows', network: '2001:db8:8::/48' })
  await dayLater(user.id)
  await directly(email, { ...home, 'user-agent': 'curl/8' })
  await vi.waitFor(() => expect(mailsTo(email)).toHaveLength(2))
  expect(await placesOf(user.id)).toEqual([
    ['sign_in', false],
    ['sign_in', true],
    ['sign_in', true],
  ])
})

test.each([
  ['account', '/account'],
  ['account', '/v1/auth/sessions'],
  ['authorize', `/oauth/authorize?${new URLSearchParams(authorizeParams(newVerifier(), DASHBOARD))}`],
])('a stolen cookie used from another network is noticed at %s (%s), once for 20 at once', async (seenAt, path) => {
  const ada = await signIn(gateway)
  await ada.browser.visit(path)
  await Promise.all(Array.from({ length: 20 }, () => use(path, stolen(ada))))
  await vi.waitFor(() => expect(mailsTo(ada.email)).toHaveLength(1))
  expect(await placesOf(ada.uai)).toEqual([
    ['sign_in', false],
    [seenAt, true],
  ])
})

test('20 new networks at once are one notice', async () => {
  const ada = await signIn(gateway)
  const from = (n: number) => ({ ...stolen(ada), [IP_HEADER]: `203.0.${n}.7` })
  await Promise.all(Array.from({ length: 20 }, (_, n) => use('/account', from(n))))
  await vi.waitFor(() => expect(mailsTo(ada.email)).toHaveLength(1))
  expect(await placesOf(ada.uai)).toHaveLength(2)
})

test('tokens that a browser exchanges and renews elsewhere are noticed; those of a program are not', async () => {
  const ada = await signIn(gateway)
  const verifier = newVerifier()
  const params = authorizeParams(verifier, { ...DASHBOARD, scope: 'memories:read' })
  const page = await ada.browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`)
  const code = new URL(page.location ?? '').searchParams.get('code') ?? ''
  const grant = { grant_type: 'authorization_code', ...DASHBOARD, code, code_verifier: verifier }
  const { body } = await post(gateway, '/oauth/token', grant, ELSEWHERE)
  await vi.waitFor(async () => expect((await placesOf(ada.uai)).at(-1)).toEqual(['token', true]))
  await dayLater(ada.uai)
  const refresh = { grant_type: 'refresh_token', client_id: DASHBOARD.client_id, refresh_token: body.refresh_token }
  const renewed = await post(gateway, '/oauth/token', refresh, { ...ELSEWHERE, [IP_HEADER]: '192.0.2.1' })
  await vi.waitFor(async () => expect((await placesOf(ada.uai)).at(-1)).toEqual(['renewal', true]))
  await dayLater(ada.uai)
  const again = { ...refresh, refresh_token: renewed.body.refresh_token }
  expect((await post(gateway, '/oauth/token', again, { 'user-agent': 'node' })).status).toBe(200)
  expect((await postJson(gateway, '/v1/auth/verify', {}, stolen(ada))).status).toBe(200)
  expect(await placesOf(ada.uai)).toHaveLength(3)
})

test('"This wasn’t me" asks first, then ends everything that the session made, and shows what was changed in it', async () => {
  const ada = await signIn(gateway)
  const app = await enrolTotp(ada)
  const own = createBrowser(gateway)
  const thief = stolen(ada)
  const sessionId = await sessionIdOf(gateway, ada.uai)
  await openLimits(gateway)
  const asked = await passSignIn(gateway, own, await own.visit('/web/login?return_to=%2Faccount'), ada.email)
  await gateway.sql`update auth_gateway.totp_authenticators set last_step = 0 where uai = ${ada.uai}`
  await own.submit(asked, { code: codeOf(app, 0), remember: '1' }, '/web/second-factor')
  await dayLater(ada.uai)
  const created = await fetch(`${gateway.url}/api/v1/api-keys`, {
    method: 'POST',
    headers: { ...thief, 'content-type': 'application/json', 'sec-fetch-site': 'none' },
    body: JSON.stringify({ name: 'stolen', scopes: ['memories:read'] }),
  })
  expect(created.status).toBe(201)
  const { data: key } = (await created.json()) as { data: { key: string } }
  await vi.waitFor(() => expect(mailsTo(ada.email)).toHaveLength(2))

  const link = linkTo(ada.email)
  const reader = createBrowser(gateway)
  const page = await reader.visit(link)
  expect([page.status, textOf(page)]).toEqual([200, expect.stringContaining('203.0.113.0/24')])
  for (const method of ['HEAD', 'GET']) await fetch(`${gateway.url}${link}`, { method })
  expect((await eventsWhere(gateway, { event_type: 'SessionEnded', stream_id: sessionId })).length).toBe(0)

  const done = await reader.submit(page, {})
  expect(textOf(done)).toContain('1 API key')
  expect(textOf(done)).toContain('An authenticator app was set up')
  expect((await use('/account', thief)).headers.get('location')).toBe('/web/login?return_to=%2Faccount')
  const verified = await postJson(gateway, '/v1/auth/verify-api-key', {}, { 'x-api-key': key.key })
  expect(verified.body.valid).toBe(false)
  const [forgotten] = await eventsWhere(gateway, { event_type: 'DeviceForgotten', subject: ada.uai })
  expect(forgotten?.data).toEqual({ reason: 'disowned' })

  // The link can be used again, without an effect, and the place is unknown again.
  expect(textOf(await reader.submit(await reader.visit(link), {}))).toContain('1 API key')
  expect(await eventsWhere(gateway, { event_type: 'SignInDisowned', subject: ada.uai })).toHaveLength(1)
  const disowned = await gateway.sql`
    select digest from auth_gateway.sign_in_places where uai = ${ada.uai} and disowned_at is not null`
  expect([...disowned]).toEqual([{ digest: null }])
  // A way to sign in was added in the session, so a later session could be the thief's.
  expect((await own.visit('/account')).url).toContain('/web/login')
})

test('a link with another token, an expired link and one of an erased person show nothing', async () => {
  const ada = await signIn(gateway)
  await use('/account', stolen(ada))
  await vi.waitFor(() => expect(mailsTo(ada.email)).toHaveLength(1))
  const link = linkTo(ada.email)
  const changed = link.slice(0, -1) + (link.endsWith('A') ? 'B' : 'A')
  expect((await use(changed, {})).status).toBe(400)
  const digests = () => gateway.sql`
    select 1 from auth_gateway.lookup_digests where subject = ${ada.uai} and kind = 'sign_in_place'
    union all select 1 from auth_gateway.sign_in_places where uai = ${ada.uai} and digest is not null`
  expect(await digests()).toHaveLength(4)
  await gateway.sql`update auth_gateway.sign_in_places set link_expires_at = now() where uai = ${ada.uai}`
  expect((await use(link, {})).status).toBe(400)
  await gateway.sql`update auth_gateway.sign_in_places set link_expires_at = now() + interval '1 day' where uai = ${ada.uai}`
  expect((await use(link, {})).status).toBe(200)
  const person = await findPerson(gateway.gateway.reads, gateway.gateway.personal, ada.uai)
  if (!person) throw new Error('no person')
  await erasePerson(createCall(gateway.gateway), person, { act: () => {}, reason: 'test', backupDays: 1 })
  expect(await digests()).toHaveLength(0)
  expect((await use(link, {})).status).toBe(400)
})
