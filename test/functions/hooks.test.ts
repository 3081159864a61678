import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { connect } from '../support/connections.ts'
import { eventsOf, IP_HEADER, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { addTestHook, startHookServer } from '../support/hooks.ts'
import { startUpstream, UPSTREAM_CLIENT, type Upstream } from '../support/oidc-upstream.ts'
import { codeOf, enrolTotp } from '../support/operators.ts'
import { eventsWhere, openLimits, organizationOf, setStatus } from '../support/rows.ts'
import { createBrowser, passSignIn, postJson, signIn, type TestBrowser } from '../support/sign-in.ts'
import { withClockAhead } from '../support/time.ts'

const gateway = useGateway({ countStatements: true })
let upstream: Upstream
let outside: Awaited<ReturnType<typeof startHookServer>>
const undo: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  outside = await startHookServer()
  upstream = await startUpstream([`${gateway.url}/v1/auth/oauth/callback/acme`])
  const { client_id, client_secret } = UPSTREAM_CLIENT
  await connect(
    gateway,
    { slug: 'acme', name: 'Acme', issuer: upstream.issuer, client_id, trust_email: true },
    client_secret,
  )
})
afterAll(async () => {
  await upstream?.stop()
  outside?.stop()
})
beforeEach(() => {
  upstream.account = { sub: crypto.randomUUID(), email: newEmail('employee'), email_verified: true, name: 'Ada' }
  outside.heard.length = 0
})
afterEach(async () => {
  for (const one of undo.splice(0)) await one()
})

const add = async (
  ...[point, settings = {}]: [Parameters<typeof addTestHook>[1], Parameters<typeof addTestHook>[2]?]
) => void undo.push(await addTestHook(gateway, point, { url: outside.url, ...settings }))

async function enter(browser: TestBrowser) {
  const page = await browser.visit('/v1/auth/oauth?provider=acme&redirect_uri=/account')
  return browser.visit(await upstream.signIn(browser, page))
}
const signedIn = ({ cookies }: TestBrowser) => cookies.has('lanonasis_session')
const uaiOf = ({ cookies }: TestBrowser): string =>
  JSON.parse(decodeURIComponent(cookies.get('lanonasis_user') ?? '')).id

async function byCode(email = newEmail()) {
  await openLimits(gateway)
  await postJson(gateway, '/v1/auth/otp/send', { email })
  return postJson(gateway, '/v1/auth/otp/verify', { email, token: gateway.inbox.codeFor(email) })
}

/** Statements of a first sign-in, from the entered code on. */
async function countVerify(): Promise<number> {
  const [email, from] = [newEmail(), { [IP_HEADER]: randomIp() }]
  await postJson(gateway, '/v1/auth/otp/send', { email }, from)
  const { id } = gateway.inbox.sent.at(-1) ?? {}
  // Its result is recorded after the response.
  await vi.waitFor(async () => expect(await eventsOf(gateway, 'message', id)).toHaveLength(2), 10_000)
  gateway.takeStatements()
  const token = gateway.inbox.codeFor(email)
  expect((await postJson(gateway, '/v1/auth/otp/verify', { email, token }, from)).status).toBe(200)
  return gateway.takeStatements()
}

test('a code is read and compared once, and again after a hook was asked, whose call is one more statement', async () => {
  await countVerify()
  const without = await countVerify()
  await add('before-sign-in')
  outside.answers(() => ({ body: { decision: 'allow' } }))
  expect([without, await countVerify()]).toEqual([3, 5])
})

describe('before-sign-in', () => {
  test('gets who signs in and how, signed, and allows it', async () => {
    await add('before-sign-in')
    outside.answers(() => ({ body: { decision: 'allow' } }))
    const browser = createBrowser(gateway)
    await enter(browser)
    expect(signedIn(browser)).toBe(true)
    expect(outside.heard[0]).toMatchObject({
      type: 'before-sign-in',
      data: {
        method: 'oidc',
        connection: 'acme',
        platform: 'web',
        proofs: ['oidc:acme'],
        uai: null,
        email: upstream.account.email,
        profile: { subject: upstream.account.sub, email_verified: true },
      },
    })
    const [called] = (await eventsOf(gateway, 'hook_call')).slice(-1)
    expect(called?.data).toMatchObject({ point: 'before-sign-in', outcome: 'answered', decision: 'allow' })
    expect((await byCode()).status).toBe(200)
    expect(outside.heard[1]).toMatchObject({ data: { method: 'otp', proofs: ['otp'] } })
  })

  test('403 when it denies, with its reason, and no one is made or signed in', async () => {
    await add('before-sign-in')
    outside.answers(() => ({ body: { decision: 'deny', reason: 'Not from this network.' } }))
    const browser = createBrowser(gateway)
    const page = await enter(browser)
    expect(page.url).toContain('error=sign_in_denied')
    expect(signedIn(browser)).toBe(false)
    const email = newEmail()
    expect(await byCode(email)).toMatchObject({
      status: 403,
      body: { code: 'SIGN_IN_DENIED', message: 'Not from this network.' },
    })
    outside.answers(() => ({ body: { decision: 'allow' } }))
    expect((await byCode(email)).status).toBe(200)
  })

  test('403 for a person who is suspended while it answers; no session starts', async () => {
    const email = newEmail()
    const { uai } = await signIn(gateway, email)
    await add('before-sign-in')
    outside.answers(async () => {
      await setStatus(gateway, uai, 'suspended')
      return { body: { decision: 'allow' } }
    })
    expect(await byCode(email)).toMatchObject({ status: 403, body: { code: 'ACCOUNT_SUSPENDED' } })
  })

  test('an account is not linked by its address when the owner of that address enrols an authenticator app while it answers', async () => {
    const email = newEmail()
    const owner = await signIn(gateway, email)
    upstream.account = { ...upstream.account, email }
    await add('before-sign-in')
    outside.answers(async () => {
      await enrolTotp(owner)
      return { body: { decision: 'allow' } }
    })
    const browser = createBrowser(gateway)
    expect((await enter(browser)).url).toContain('error=link_needed')
    expect(signedIn(browser)).toBe(false)
  })

  test('is not called for a wrong code', async () => {
    await add('before-sign-in')
    const email = newEmail()
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const wrong = gateway.inbox.codeFor(email) === '000000' ? '111111' : '000000'
    expect((await postJson(gateway, '/v1/auth/otp/verify', { email, token: wrong })).status).toBe(400)
    expect(outside.heard).toEqual([])
  })

  test('429 over the limit, and is not called for the right code: its calls reveal no code', async () => {
    await add('before-sign-in')
    outside.answers(() => ({ body: { decision: 'deny' } }))
    await openLimits(gateway)
    const email = newEmail()
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const from = { [IP_HEADER]: randomIp() }
    const verify = (to: string, token: string) => postJson(gateway, '/v1/auth/otp/verify', { email: to, token }, from)
    for (let n = 0; n < 60; n++) await verify(newEmail('nobody'), '000000')
    const right = gateway.inbox.codeFor(email)
    for (const token of [right === '000000' ? '111111' : '000000', right])
      expect(await verify(email, token)).toMatchObject({ status: 429 })
    expect(outside.heard).toEqual([])
  })

  test('400 for an expired right code, and is not called', async () => {
    await add('before-sign-in')
    await openLimits(gateway)
    const email = newEmail()
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const token = gateway.inbox.codeFor(email)
    const late = await withClockAhead(600_000, () => postJson(gateway, '/v1/auth/otp/verify', { email, token }))
    expect(late.status).toBe(400)
    expect(outside.heard).toEqual([])
  })

  test('without mail: 429 over the limit, 400 for a used code, and is not called for either right code', async () => {
    const ada = await signIn(gateway)
    await add('before-sign-in')
    outside.answers(() => ({ body: { decision: 'deny' } }))
    const attempt = async (code: string) => {
      const browser = createBrowser(gateway)
      const page = await browser.visit('/web/without-mail')
      return (await browser.submit(page, { email: ada.email, code }, '/web/without-mail')).status
    }
    // The clock does not move on, so the code is the one that the enrolment has used.
    const app = await withClockAhead(0, async () => {
      const enrolled = await enrolTotp(ada)
      expect(await attempt(codeOf(enrolled, -1))).toBe(400)
      return enrolled
    })
    const right = [-1, 0, 1].map((step) => codeOf(app, step as -1))
    const wrong = ['000000', '111111', '222222', '333333'].find((code) => !right.includes(code)) ?? ''
    for (let n = 0; n < 5; n++) expect(await attempt(wrong)).toBe(400)
    expect(await attempt(codeOf(app, 0))).toBe(429)
    expect(outside.heard).toEqual([])
  })

  test('requires another factor: a code by e-mail, after which it gets both', async () => {
    const ada = await signIn(gateway)
    upstream.account.email = ada.email
    await add('before-sign-in')
    outside.answers(({ data }) => ({ body: { decision: data.proofs.includes('otp') ? 'allow' : 'step_up' } }))
    const browser = createBrowser(gateway)
    const asked = await enter(browser)
    expect(asked.url).toContain('error=more_proof_needed')
    expect(signedIn(browser)).toBe(false)
    await openLimits(gateway)
    await passSignIn(gateway, browser, asked, ada.email)
    expect(uaiOf(browser)).toBe(ada.uai)
    expect(outside.heard.at(-1)).toMatchObject({ data: { proofs: ['otp', 'oidc:acme'] } })
  })

  test.each([
    ['an error', { status: 500 }, 'status_500'],
    ['a redirect', { status: 302 }, 'status_302'],
    ['no JSON', { body: 'yes' }, 'no_json'],
    ['no decision', { body: { decision: 'maybe' } }, 'no_decision'],
    ['too late an answer', { wait: 3500, body: { decision: 'allow' } }, 'timeout'],
  ])(
    '%s: fail-closed refuses with 503, fail-open goes on, both are recorded',
    async (_name, answer, failure) => {
      outside.answers(() => answer)
      await add('before-sign-in')
      const startedAt = Date.now()
      expect(await byCode()).toMatchObject({ status: 503 })
      expect(Date.now() - startedAt).toBeLessThan(4500)
      await undo.pop()?.()
      await add('before-sign-in', { on_failure: 'open' })
      expect((await byCode()).status).toBe(200)
      const calls = (await eventsOf(gateway, 'hook_call')).slice(-2)
      expect(calls.map(({ data }) => [data.outcome, data.failure])).toEqual([
        ['failed', failure],
        ['failed', failure],
      ])
    },
    15_000,
  )

  test('403 for a deny, whatever else the answer has', async () => {
    await add('before-sign-in', { on_failure: 'open' })
    outside.answers(() => ({ body: { decision: 'deny', reason: 'x'.repeat(1000) } }))
    expect(await byCode()).toMatchObject({ status: 403, body: { code: 'SIGN_IN_DENIED' } })
  })

  test('503 within one budget of 3 s, however many are asked', async () => {
    for (const point of ['provision-user', 'before-sign-in', 'map-claims'] as const) await add(point)
    outside.answers(() => ({ wait: 1400, body: { decision: 'allow', claims: {} } }))
    const startedAt = Date.now()
    expect((await byCode()).status).toBe(503)
    expect(Date.now() - startedAt).toBeLessThan(4000)
  })

  test.each(['provision-user', 'map-claims'] as const)(
    '%s: fail-closed refuses with 503, fail-open goes on, both are recorded',
    async (point) => {
      outside.answers(() => ({ status: 500 }))
      await add(point)
      expect(await byCode()).toMatchObject({ status: 503, body: { code: 'HOOK_UNAVAILABLE' } })
      await undo.pop()?.()
      await add(point, { on_failure: 'open' })
      expect((await byCode()).status).toBe(200)
      const calls = (await eventsOf(gateway, 'hook_call')).slice(-2)
      expect(calls.map(({ data }) => [data.point, data.outcome])).toEqual([
        [point, 'failed'],
        [point, 'failed'],
      ])
    },
  )

  test('an address that is not public is never called', async () => {
    await add('before-sign-in', { url: 'https://169.254.169.254/latest/meta-data' })
    expect((await byCode()).status).toBe(503)
    const [called] = (await eventsOf(gateway, 'hook_call')).slice(-1)
    expect(called?.data).toMatchObject({ failure: 'address_refused' })
  })

  test('of one connection is not called for another sign-in method', async () => {
    await add('before-sign-in', { connections: ['acme'] })
    outside.answers(() => ({ body: { decision: 'deny' } }))
    expect((await byCode()).status).toBe(200)
    const browser = createBrowser(gateway)
    await enter(browser)
    expect(signedIn(browser)).toBe(false)
  })
})

describe('provision-user, map-claims and after-sign-in', () => {
  test('provision-user is asked for new people alone', async () => {
    await add('provision-user', { connections: ['acme'] })
    outside.answers(() => ({ body: { decision: 'deny' } }))
    const browser = createBrowser(gateway)
    await enter(browser)
    expect(signedIn(browser)).toBe(false)
    outside.answers(() => ({ body: { decision: 'allow' } }))
    await enter(browser)
    outside.heard.length = 0
    outside.answers(() => ({ body: { decision: 'deny' } }))
    const again = createBrowser(gateway)
    await enter(again)
    expect(signedIn(again)).toBe(true)
    expect(outside.heard).toEqual([])
  })

  test('map-claims: members that say nothing change nothing, and do not void the others', async () => {
    await add('map-claims')
    outside.answers(() => ({
      body: { claims: { name: null, locale: '', role: [], organization_id: {}, plan: 'team' } },
    }))
    const email = newEmail()
    const { status, body } = await byCode(email)
    const [person] = await gateway.sql`
      select locale, plan, role from auth_gateway.identities where uai = ${body.user.id}`
    expect([status, person]).toEqual([200, { locale: null, plan: 'team', role: 'user' }])
  })

  test('map-claims sets name, locale, plan, organization and the roles it may give, now and later', async () => {
    const ada = await signIn(gateway)
    const organization = await organizationOf(gateway, ada.uai)
    // An organization that is there, but is not for this hook to give.
    const other = await organizationOf(gateway, (await signIn(gateway)).uai)
    await add('map-claims', { connections: ['acme'], roles: ['member'], organizations: [organization] })
    const claims = { name: 'Ada of Acme', locale: 'de', plan: 'team', organization_id: organization }
    outside.answers(() => ({ body: { claims: { ...claims, role: 'member' } } }))
    const browser = createBrowser(gateway)
    await enter(browser)
    const me = async () => JSON.parse((await browser.visit('/v1/auth/me')).html)
    expect(await me()).toMatchObject({
      name: 'Ada of Acme',
      role: 'member',
      plan: 'team',
      organization_id: organization,
    })
    const events = await eventsOf(gateway, 'identity', uaiOf(browser))
    outside.answers(() => ({ body: { claims: { ...claims, role: 'admin', organization_id: other } } }))
    await enter(browser)
    expect(await me()).toMatchObject({ role: 'member', organization_id: organization })
    expect(await eventsOf(gateway, 'identity', uaiOf(browser))).toHaveLength(events.length)
    outside.answers(() => ({ body: { claims: { plan: 'pro' } } }))
    await enter(browser)
    expect(await me()).toMatchObject({ plan: 'pro', name: 'Ada of Acme' })
    const log = JSON.stringify(await eventsWhere(gateway, { subject: uaiOf(browser) }))
    expect(log).not.toContain('Ada of Acme')
  })

  test('map-claims is asked about people who come by a code as well, the new and the known', async () => {
    await add('map-claims')
    outside.answers(() => ({ body: { claims: { name: 'Ada of Acme', plan: 'team' } } }))
    const email = newEmail()
    const { body } = await byCode(email)
    const me = await postJson(gateway, '/v1/auth/verify', {}, { authorization: `Bearer ${body.access_token}` })
    expect(me.body).toMatchObject({ plan: 'team' })
    outside.answers(() => ({ body: { claims: { plan: 'pro' } } }))
    const again = await byCode(email)
    const later = await postJson(gateway, '/v1/auth/verify', {}, { authorization: `Bearer ${again.body.access_token}` })
    expect(later.body).toMatchObject({ uai: me.body.uai, plan: 'pro' })
  })

  test('after-sign-in is called, and the sign-in does not wait for it', async () => {
    await add('after-sign-in')
    outside.answers(() => ({ wait: 1000 }))
    const startedAt = Date.now()
    const { body } = await byCode()
    expect(Date.now() - startedAt).toBeLessThan(1000)
    await expect.poll(() => outside.heard.length).toBe(1)
    expect(outside.heard[0]).toMatchObject({ type: 'after-sign-in', data: { uai: body.user.id } })
  })
})
