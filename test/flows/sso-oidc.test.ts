import { describe, expect, test } from 'vitest'
import { connect } from '../support/connections.ts'
import { eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import { UPSTREAM_CLIENT } from '../support/oidc-upstream.ts'
import { openLimits, organizationOf } from '../support/rows.ts'
import { createBrowser, type Page, passSignIn, postJson, signIn } from '../support/sign-in.ts'
import { withClockAhead } from '../support/time.ts'
import { uaiOf, useOidcSignIn } from './oidc-sign-in.ts'

const gateway = useGateway()
const oidc = useOidcSignIn(gateway)
const { begin, beginLink, enter } = oidc

describe('a person of another provider', () => {
  test('is created at the first sign-in, is the same later, and every step is recorded', async () => {
    const browser = createBrowser(gateway)
    const page = await enter(browser)
    expect(page.url).toContain('/account/api-keys')
    const uai = uaiOf(browser)
    const again = createBrowser(gateway)
    await enter(again)
    expect(uaiOf(again)).toBe(uai)
    const identity = await eventsOf(gateway, 'identity', uai)
    expect(identity.map(({ event_type, data }) => [event_type, data.kind, data.provider, data.evidence])).toEqual([
      ['IdentityCreated', undefined, undefined, undefined],
      ['CredentialLinked', 'external', 'acme', { method: 'oidc', assertedBy: 'acme' }],
      ['CredentialLinked', 'email', undefined, { method: 'sso', assertedBy: 'acme' }],
    ])
    const [session] = (await eventsOf(gateway, 'session')).slice(-1)
    expect(session?.data).toMatchObject({ method: 'oidc', amr: ['fed'], acr: 'urn:lanonasis:acr:federated' })
    const log = JSON.stringify(await gateway.sql`select * from auth_gateway.event_store where subject = ${uai}`)
    for (const word of [oidc.upstream.account.sub, oidc.upstream.account.email, 'Ada Upstream'])
      expect(log).not.toContain(word)
  })

  test.each([
    ['the order in which they began', [0, 1]],
    ['the other order', [1, 0]],
  ])('finishes two sign-ins in two tabs, in %s, each where it was going', async (_order, order) => {
    const browser = createBrowser(gateway)
    const goals = ['/account/api-keys', '/account/agents']
    const answers = []
    for (const goal of goals) {
      const away = await browser.tab().visit(`/v1/auth/oauth?provider=acme&redirect_uri=${goal}`)
      answers.push(await oidc.upstream.signIn(browser, away))
    }
    for (const index of order) {
      const page = await browser.tab().visit(answers[index] ?? '')
      expect(new URL(page.url).pathname).toBe(goals[index])
    }
  })

  test('begins as often as they like: the browser keeps eight flows, in little room', async () => {
    const browser = createBrowser(gateway)
    const pages = []
    for (let n = 0; n < 10; n++) pages.push(await begin(browser))
    expect([...browser.cookies.keys()].filter((name) => name.startsWith('lanonasis_sso_'))).toHaveLength(8)
    expect((browser.cookies.header(gateway.url, { method: 'GET', topLevel: true }) ?? '').length).toBeLessThan(1024)
    const page = await browser.visit(await oidc.upstream.signIn(browser, pages.at(-1) as Page))
    expect(page.url).toContain('/account/api-keys')
  })

  test('is the same by a code to the address that a trusted provider vouched for', async () => {
    oidc.upstream.account.email = `${crypto.randomUUID()}@acme.example`
    const browser = createBrowser(gateway)
    await enter(browser)
    const { email = '' } = oidc.upstream.account
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const { body } = await postJson(gateway, '/v1/auth/otp/verify', { email, token: gateway.inbox.codeFor(email) })
    expect(body.user.id).toBe(uaiOf(browser))
  })

  test('is sent there by the domain of the address', async () => {
    const browser = createBrowser(gateway)
    const page = await browser.submit(await browser.visit('/web/login'), { email: 'Grace@Acme.Example' }, '/web/login')
    expect(page.location).toContain(oidc.upstream.issuer)
    expect(new URL(page.location ?? '').searchParams.get('login_hint')).toBe('Grace@acme.example')
  })

  test('belongs to the organization of the connection, when made by it', async () => {
    const ada = await signIn(gateway)
    const home = await organizationOf(gateway, ada.uai)
    const { client_id, client_secret } = UPSTREAM_CLIENT
    const settings = { slug: 'member', issuer: oidc.upstream.issuer, client_id, organization_id: home }
    await connect(gateway, settings, client_secret)
    const browser = createBrowser(gateway)
    await enter(browser, 'member')
    const me = JSON.parse((await browser.visit('/v1/auth/me')).html)
    expect(me).toMatchObject({ organization_id: home, role: 'user' })
  })

  test('is refused where unknown people are not admitted', async () => {
    const page = await enter(createBrowser(gateway), 'closed')
    expect(page.url).toContain('error=not_provisioned')
    expect(page.html).toContain('There is no account for you here yet')
  })

  test('continues after the provider has changed its keys', async () => {
    await enter(createBrowser(gateway))
    await oidc.upstream.rotateKeys()
    const page = await withClockAhead(1100, () => enter(createBrowser(gateway)))
    expect(page.url).toContain('/account/api-keys')
  })

  test('is linked to the person at this browser, and then signs in as them', async () => {
    const ada = await signIn(gateway)
    const page = await beginLink(ada.browser, 'strict')
    const done = await ada.browser.visit(await oidc.upstream.signIn(ada.browser, page))
    expect(done.url).toContain('done=linked')
    const elsewhere = createBrowser(gateway)
    await enter(elsewhere, 'strict')
    expect(uaiOf(elsewhere)).toBe(ada.uai)
    const [, , linked] = await eventsOf(gateway, 'identity', ada.uai)
    expect(linked).toMatchObject({
      event_type: 'CredentialLinked',
      data: { provider: 'strict', evidence: { method: 'oidc', assertedBy: 'strict', sessionId: expect.any(String) } },
    })
  })

  test('verifies an address that is already registered, and then both are one person', async () => {
    const ada = await signIn(gateway)
    oidc.upstream.account.email = ada.email
    const browser = createBrowser(gateway)
    const asked = await enter(browser)
    expect(asked.url).toContain('error=link_needed')
    expect(asked.html).toContain('Your account at Acme will be linked')
    await openLimits(gateway)
    const done = await passSignIn(gateway, browser, asked, ada.email)
    expect(done.url).toContain('/account/api-keys')
    expect(uaiOf(browser)).toBe(ada.uai)
    const again = createBrowser(gateway)
    await enter(again)
    expect(uaiOf(again)).toBe(ada.uai)
  })
})

test('an address that the provider only asserted becomes the person’s once they verify it', async () => {
  const browser = createBrowser(gateway)
  await enter(browser, 'strict')
  const me = async () => JSON.parse((await browser.visit('/v1/auth/me')).html)
  const { email = '' } = oidc.upstream.account
  expect((await me()).email).toBe(email)
  const verified = () => gateway.sql`select email_verified from auth_gateway.identities where uai = ${uaiOf(browser)}`
  expect(await verified()).toEqual([{ email_verified: false }])
  const asked = await browser.submit(await browser.visit('/account/email'), { email }, '/account/email')
  await browser.submit(asked, { code: gateway.inbox.codeFor(email) }, '/account/email/code')
  expect(await verified()).toEqual([{ email_verified: true }])
  await openLimits(gateway)
  expect((await signIn(gateway, email)).uai).toBe(uaiOf(browser))
})

test('a person who verifies a new address other than the account’s gets a new identity with both', async () => {
  const ada = await signIn(gateway)
  oidc.upstream.account.email = ada.email
  const browser = createBrowser(gateway)
  const asked = await enter(browser)
  expect(asked.url).toContain('error=link_needed')
  const done = await passSignIn(gateway, browser, asked, newEmail('another'))
  expect(done.url).toContain('/account/api-keys')
  const uai = uaiOf(browser)
  expect(uai).not.toBe(ada.uai)
  const again = createBrowser(gateway)
  await enter(again)
  expect(uaiOf(again)).toBe(uai)
})
