import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ask } from '../support/as-browser.ts'
import { useGateway } from '../support/gateway.ts'
import { signInOperator } from '../support/operators.ts'
import { ageStepUp, eventsWhere, fillLimits, joinOrganizationOf, openLimits } from '../support/rows.ts'
import { settled } from '../support/settle.ts'
import { formsOf, getTokens, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const PAGES = ['', '/people', '/sessions', '/keys', '/clients', '/connections', '/webhooks', '/events']
const PLATFORM_ONLY = ['/clients', '/connections']

const gateway = useGateway()
let platform: SignedInBrowser
let admin: SignedInBrowser
/** Of the organization of `admin`. */
let member: SignedInBrowser
let stranger: SignedInBrowser
beforeAll(async () => {
  platform = await signInOperator(gateway)
  admin = await signInOperator(gateway, 'admin')
  member = await signIn(gateway)
  stranger = await signIn(gateway)
  await joinOrganizationOf(gateway, admin.uai, member.uai)
  for (const one of [member, stranger]) {
    await getTokens(gateway, one)
    await ask(gateway, one, 'POST', '/api/v1/api-keys', { name: 'Laptop', scopes: ['memories:read'] })
  }
})

const visit = (person: SignedInBrowser, path: string) => person.browser.visit(path)
const find = async (person: SignedInBrowser, who: string) =>
  person.browser.submit(await visit(person, '/admin/people'), { find: who }, '/admin/people')
const idOf = async (table: 'sessions' | 'api_keys', { uai }: SignedInBrowser) => {
  const column = table === 'sessions' ? 'uai' : 'created_by'
  const [row] =
    await gateway.sql`select id from auth_gateway.${gateway.sql(table)} where ${gateway.sql(column)} = ${uai} limit 1`
  return row?.id as string
}

/** Posts an action as a form of the console does. */
async function act(operator: SignedInBrowser, fields: Record<string, string>) {
  const page = await visit(operator, '/admin/people')
  const own = await visit(operator, `/admin/people/${operator.uai}`)
  const form = formsOf(own).find(({ action }) => action === '/admin/act')
  expect([page.status, form !== undefined]).toEqual([200, true])
  const body = new URLSearchParams({ ...form?.fields, back: '/admin/people', ...fields })
  return operator.browser.visit('/admin/act', { method: 'POST', body })
}

describe.each(PAGES)('/admin%s', (path) => {
  test('200 for an operator of all organizations; for the other operator only their own organization', async () => {
    expect((await visit(platform, `/admin${path}`)).status).toBe(200)
    expect((await visit(admin, `/admin${path}`)).status).toBe(PLATFORM_ONLY.includes(path) ? 403 : 200)
  })

  test('403 for a person, sign-in without a session', async () => {
    expect((await visit(stranger, `/admin${path}`)).status).toBe(403)
    const response = await fetch(`${gateway.url}/admin${path}`, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([303, expect.stringContaining('/web/login')])
  })
})

describe('who sees what, route by route', () => {
  beforeAll(() => settled(gateway))

  const json = async (person: SignedInBrowser, path: string) =>
    JSON.stringify((await ask(gateway, person, 'GET', path)).body)

  test('a person sees their own alone', async () => {
    for (const path of [
      '/v1/audit/events',
      '/v1/audit/events?order=asc',
      '/v1/audit/export',
      `/v1/audit/events?person=${member.uai}`,
    ]) {
      const text = await json(stranger, path)
      expect(text, path).not.toContain(member.uai)
      expect(text, path).not.toContain(member.email)
    }
    const [event] =
      await gateway.sql`select event_id from auth_gateway.event_store where subject = ${member.uai} limit 1`
    const [request] =
      await gateway.sql`select metadata->>'requestId' as id from auth_gateway.event_store where subject = ${member.uai} limit 1`
    expect((await ask(gateway, stranger, 'GET', `/v1/audit/inclusion?event=${event?.event_id}`)).status).toBe(404)
    expect(await json(stranger, `/v1/audit/events?request=${request?.id}`)).toContain('"events":[]')
    for (const path of [
      '/v1/audit/events?scope=organization',
      '/v1/audit/events?scope=everything',
      '/v1/audit/export?scope=everything',
      `/v1/audit/inclusion?scope=everything&event=${event?.event_id}`,
      `/v1/operators/state?person=${stranger.uai}&at=2026-01-01T00:00:00Z`,
      '/v1/webhooks',
      `/admin/people/${stranger.uai}`,
      `/admin/requests/${request?.id}`,
      `/admin/radius?id=${await idOf('sessions', stranger)}`,
    ])
      expect((await ask(gateway, stranger, 'GET', path)).status, path).toBe(403)
  })

  test('303 to the person found by identifier or address, which is in no URL; else a page that says so', async () => {
    for (const who of [member.uai, ` ${member.email.toUpperCase()} `]) {
      const page = await find(admin, who)
      expect([page.status, new URL(page.url).pathname]).toEqual([200, `/admin/people/${member.uai}`])
    }
    const page = await find(platform, 'nobody@example.test')
    expect([page.status, new URL(page.url).search]).toEqual([200, ''])
    expect(page.html).toContain('Nothing here.')
  })

  test('an operator of one organization sees its people alone', async () => {
    for (const path of [
      '/v1/audit/events?scope=organization&limit=200',
      '/v1/audit/export?scope=organization',
      '/admin',
      '/admin/people',
      '/admin/sessions',
      '/admin/keys',
      '/admin/events',
    ]) {
      const text = path.startsWith('/admin') ? (await visit(admin, path)).html : await json(admin, path)
      expect(text, path).toContain(member.uai)
      expect(text, path).not.toContain(stranger.uai)
      expect(text, path).not.toContain(stranger.email)
    }
    for (const who of [stranger.uai, stranger.email])
      expect((await find(admin, who)).html).not.toContain(`/admin/people/${stranger.uai}`)
    const [request] =
      await gateway.sql`select metadata->>'requestId' as id from auth_gateway.event_store where subject = ${stranger.uai} limit 1`
    expect((await visit(admin, `/admin/requests/${request?.id}`)).html).not.toContain('SessionStarted')
    expect((await visit(admin, `/admin/people/${stranger.uai}`)).status).toBe(404)
    expect((await visit(admin, `/admin/radius?id=${await idOf('sessions', stranger)}`)).status).toBe(404)
    expect((await ask(gateway, admin, 'GET', '/v1/audit/events?scope=everything')).status).toBe(403)
    expect((await ask(gateway, admin, 'GET', '/v1/audit/export?scope=everything')).status).toBe(403)
  })

  test('an operator of all organizations sees everyone, and no sealed data in an export', async () => {
    const text = await json(platform, '/v1/audit/events?scope=everything&limit=200')
    expect(text).toContain(member.uai)
    expect(text).toContain(stranger.email)
    const exported = (await ask(gateway, platform, 'GET', '/v1/audit/export?scope=everything')).body
    expect(JSON.stringify(exported)).toContain(stranger.uai)
    expect(JSON.stringify(exported)).not.toContain(stranger.email)
  })
})

describe('an employee who merged the account of the company with their private one', () => {
  const hereIs = async (one: SignedInBrowser) => {
    await openLimits(gateway)
    const { access_token } = await getTokens(gateway, one, { resource: gateway.url })
    await ask(gateway, one, 'POST', '/api/v1/api-keys', { name: 'Laptop', scopes: ['memories:read'] })
    return access_token
  }

  /** Both accounts, of which `survivor` took up the other one by a merge that its person proved. */
  async function merged(survivor: 'company' | 'home') {
    const [company, home] = [await signIn(gateway), await signIn(gateway)]
    await joinOrganizationOf(gateway, admin.uai, company.uai)
    const [atWork, own] = [await hereIs(company), await hereIs(home)]
    const [asks, retired_token] = survivor === 'company' ? [company, own] : [home, atWork]
    const merged = await ask(gateway, asks, 'POST', '/v1/auth/identities/merge', { retired_token })
    expect(merged.status).toBe(200)
    await settled(gateway)
    const ids = async (one: SignedInBrowser) => ({
      session: await idOf('sessions', one),
      key: await idOf('api_keys', one),
    })
    return { company, home, things: { company: await ids(company), home: await ids(home) } }
  }

  const stateOf = (uai: string) => `/v1/operators/state?person=${uai}&at=${new Date().toISOString()}`

  test.each(['home', 'company'] as const)(
    '404 for the operator of the company who acts on the person that the account of %s became',
    async (survivor) => {
      const { company, home, things } = await merged(survivor)
      for (const [name, id] of [
        ['suspend', company.uai],
        ['suspend', home.uai],
        ['reinstate', company.uai],
        ['erase', company.uai],
        ['erase', home.uai],
        ['end', things.home.session],
        ['revoke', things.home.key],
        ['revokeAll', things.home.session],
        ['end', things.company.session],
        ['revoke', things.company.key],
      ] as const)
        expect((await act(admin, { act: name, id, reason: 'to try' })).status, name).toBe(404)
      const erase = (uai: string) =>
        ask(gateway, admin, 'POST', `/v1/operators/people/${uai}/erase`, { reason: 'to try' })
      expect([(await erase(company.uai)).status, (await erase(home.uai)).status]).toEqual([404, 404])
      const done = await gateway.sql`select event_type from auth_gateway.event_store
        where subject in (${company.uai}, ${home.uai}) and metadata->>'actorType' = 'operator'`
      expect(done).toEqual([])
      expect((await act(platform, { act: 'end', id: things.home.session, reason: 'lost phone' })).status).toBe(200)
    },
  )

  test.each(['home', 'company'] as const)(
    '404 or what is of the company alone for its operator who looks at the person that the account of %s became',
    async (survivor) => {
      const { company, home, things } = await merged(survivor)
      const page = await visit(admin, `/admin/people/${company.uai}?at=${new Date().toISOString()}`)
      expect([page.status, page.html.includes(company.email)]).toEqual([200, true])
      expect(page.html).toContain(things.company.session)
      expect(page.html).not.toContain('/admin/act')
      const { status, body } = await ask(gateway, admin, 'GET', stateOf(company.uai))
      expect([status, body.people.map(({ uai }: { uai: string }) => uai)]).toEqual([200, [company.uai]])
      const people = (await visit(admin, '/admin/people')).html
      for (const text of [page.html, JSON.stringify(body), people])
        for (const private_ of [home.email, things.home.session, things.home.key]) expect(text).not.toContain(private_)

      expect((await visit(admin, `/admin/people/${home.uai}`)).status).toBe(404)
      expect((await ask(gateway, admin, 'GET', stateOf(home.uai))).status).toBe(404)
      for (const who of [home.uai, home.email])
        expect((await find(admin, who)).html).not.toContain(`/admin/people/${company.uai}`)
      expect((await visit(admin, `/admin/radius?id=${things.home.session}`)).status).toBe(404)

      const all = await visit(platform, `/admin/people/${company.uai}`)
      for (const id of [things.company.session, things.home.session]) expect(all.html).toContain(id)
    },
  )
})

describe('an operator who has much of the log read over and over', () => {
  const now = new Date().toISOString()
  beforeEach(() => openLimits(gateway))
  afterAll(() => openLimits(gateway))

  test('429 after 30 looks back a minute, in the console and by the API alike', async () => {
    const page = () => visit(admin, `/admin/people/${member.uai}?at=${now}`)
    const state = () => ask(gateway, admin, 'GET', `/v1/operators/state?person=${member.uai}&at=${now}`)
    expect([(await page()).status, (await state()).status]).toEqual([200, 200])
    await fillLimits(gateway, 'state-at:', 29)
    expect([(await page()).status, (await page()).status, (await state()).status]).toEqual([200, 429, 429])
    expect((await visit(admin, `/admin/people/${member.uai}`)).status).toBe(200)
    expect((await visit(platform, `/admin/people/${member.uai}?at=${now}`)).status).toBe(200)
  })

  test('429 after 30 traces a minute, in the console and by the API alike', async () => {
    const body = { id: await idOf('sessions', member) }
    const page = () => visit(admin, `/admin/radius?id=${body.id}`)
    const trace = () => ask(gateway, admin, 'POST', '/v1/operators/blast-radius', body)
    expect([(await page()).status, (await trace()).status]).toEqual([200, 200])
    await fillLimits(gateway, 'blast-radius:', 29)
    expect([(await page()).status, (await page()).status, (await trace()).status]).toEqual([200, 429, 429])
    expect((await act(admin, { act: 'revokeAll', ...body, reason: 'to try' })).status).toBe(429)
    expect((await visit(platform, `/admin/radius?id=${body.id}`)).status).toBe(200)
  })
})

describe('POST /admin/act', () => {
  test('403, 404: nothing outside of the organization, of applications or of themselves', async () => {
    const [client] = await gateway.sql`select id from auth_gateway.api_clients where client_id = 'auth-tester'`
    const before =
      await gateway.sql`select count(*)::int as n from auth_gateway.event_store where metadata->>'actor' = ${admin.uai} and metadata->>'actorType' = 'operator' and event_type <> 'RecordsRead'`
    for (const [name, id, status] of [
      ['suspend', stranger.uai, 404],
      ['reinstate', stranger.uai, 404],
      ['erase', stranger.uai, 404],
      ['end', await idOf('sessions', stranger), 404],
      ['revoke', await idOf('api_keys', stranger), 404],
      ['revokeAll', await idOf('sessions', stranger), 404],
      ['suspendClient', client?.id, 403],
      ['disable', crypto.randomUUID(), 403],
      ['suspend', admin.uai, 403],
      ['erase', admin.uai, 403],
      ['end', crypto.randomUUID(), 404],
    ] as const)
      expect((await act(admin, { act: name, id, reason: 'to try' })).status, name).toBe(status)
    const after =
      await gateway.sql`select count(*)::int as n from auth_gateway.event_store where metadata->>'actor' = ${admin.uai} and metadata->>'actorType' = 'operator' and event_type <> 'RecordsRead'`
    expect(after).toEqual(before)
  })

  test('404: an operator of one organization cannot act on an operator of all organizations', async () => {
    const chief = await signInOperator(gateway)
    await joinOrganizationOf(gateway, admin.uai, chief.uai)
    for (const [name, id] of [
      ['suspend', chief.uai],
      ['erase', chief.uai],
      ['end', await idOf('sessions', chief)],
      ['revokeAll', await idOf('sessions', chief)],
    ] as const)
      expect((await act(admin, { act: name, id, reason: 'to try' })).status, name).toBe(404)
    expect((await visit(chief, '/admin')).status).toBe(200)
  })

  test.each([
    ['revoke', 'api_keys', 'ApiKeyRevoked'],
    ['end', 'sessions', 'SessionEnded'],
  ] as const)('200 %s: an event by the operator, with the reason', async (name, table, type) => {
    const id = await idOf(table, member)
    expect((await act(admin, { act: name, id, reason: 'lost phone' })).html).toContain('The log has your reason')
    const [event] = await eventsWhere(gateway, { stream_id: id, event_type: type })
    expect(JSON.stringify(event?.data)).toContain('lost phone')
    expect(event?.metadata).toMatchObject({ actorType: 'operator', actor: admin.uai })
  })

  test('400 without a reason, 403 with the token of another session, the second time nothing', async () => {
    expect((await act(platform, { act: 'suspend', id: stranger.uai, reason: '' })).status).toBe(400)
    expect((await act(platform, { act: 'suspend', id: stranger.uai, reason: 'x y z', csrf: 'forged' })).status).toBe(
      403,
    )
    expect((await act(platform, { act: 'unknown', id: stranger.uai, reason: 'x y z' })).status).toBe(404)
    const page = await platform.browser.visit(`/admin/people/${stranger.uai}`)
    const suspension = { act: 'suspend', id: stranger.uai, reason: 'twice' }
    await platform.browser.submit(page, suspension, '/admin/act')
    await platform.browser.submit(page, { ...suspension, act: 'reinstate' }, '/admin/act')
    await platform.browser.submit(page, suspension, '/admin/act')
    const [row] = await gateway.sql`select status from auth_gateway.identities where uai = ${stranger.uai}`
    expect(row?.status).toBe('active')
    expect(
      (await act(platform, { act: 'reinstate', id: stranger.uai, reason: 'done', back: 'https://evil.example/admin' }))
        .url,
    ).toContain(gateway.url)
  })

  test('303 to the authenticator app when the step-up is long ago', async () => {
    await ageStepUp(gateway, platform.uai, 901)
    expect((await visit(platform, '/admin')).url).toContain('/web/step-up')
    expect((await ask(gateway, platform, 'GET', '/v1/audit/events?scope=everything')).status).toBe(401)
    const [row] = await gateway.sql`select status from auth_gateway.identities where uai = ${member.uai}`
    const body = new URLSearchParams({ act: 'suspend', id: member.uai, reason: 'no step-up' })
    await platform.browser.visit('/admin/act', { method: 'POST', body })
    expect((await gateway.sql`select status from auth_gateway.identities where uai = ${member.uai}`)[0]).toEqual(row)
  })
})
