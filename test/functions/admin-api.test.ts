import { beforeAll, describe, expect, test } from 'vitest'
import { eventsOf, useGateway } from '../support/gateway.ts'
import { signInOperator } from '../support/operators.ts'
import { ageStepUp } from '../support/rows.ts'
import { post, postJson, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let operator: SignedInBrowser
beforeAll(async () => {
  operator = await signInOperator(gateway)
})

const as = ({ browser }: SignedInBrowser) => ({
  cookie: `lanonasis_session=${browser.cookies.get('lanonasis_session')}`,
})
const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${gateway.url}${path}`, { headers })
  return { status: response.status, body: await response.json() }
}
const app = { app_id: 'app_notes', app_name: 'Notes', redirect_uris: ['https://notes.example/callback'] }

describe('1.9: operators of everything, stepped up', () => {
  test('200 with what there is', async () => {
    const { status, body } = await get('/admin/status', as(operator))
    expect(status).toBe(200)
    expect(body).toMatchObject({ service: 'auth-gateway', operator: { id: operator.uai, role: 'platform_admin' } })
    expect(body.identities).toBeGreaterThan(0)
  })

  test('201: an application is registered with a secret that works, once per name, as an event with a reason', async () => {
    const { status, body } = await postJson(
      gateway,
      '/admin/register-app',
      { ...app, reason: 'for the notes team' },
      as(operator),
    )
    expect(status).toBe(201)
    expect(body.client_id).toMatch(/^app_notes_[0-9a-f]{16}$/)
    expect(body.client_secret).toMatch(/^secret_[0-9a-f]{64}$/)
    const basic = Buffer.from(`${body.client_id}:${body.client_secret}`).toString('base64')
    const asked = await post(gateway, '/oauth/introspect', { token: 'x' }, { authorization: `Basic ${basic}` })
    expect(asked.body).toEqual({ active: false })
    const again = await postJson(gateway, '/admin/register-app', app, as(operator))
    expect(again).toMatchObject({ status: 409, body: { code: 'APP_EXISTS' } })
    const listed = await get('/admin/list-apps', as(operator))
    expect(listed.body).toMatchObject({ total: 1, apps: [{ app_id: 'app_notes', client_id: body.client_id }] })
    expect(JSON.stringify(listed.body)).not.toContain('secret')
    const registered = (await eventsOf(gateway, 'api_client')).at(-1)
    expect(registered).toMatchObject({
      event_type: 'ClientRegistered',
      data: { reason: 'for the notes team', firstParty: false },
      metadata: { actorType: 'operator', actor: operator.uai },
    })
    expect(JSON.stringify(registered)).not.toContain(body.client_secret)
  })

  test('201 for one of twenty that register the same name at once', async () => {
    const all = Array.from({ length: 20 }, () =>
      postJson(gateway, '/admin/register-app', { ...app, app_id: 'app_race' }, as(operator)),
    )
    expect((await Promise.all(all)).map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)])
  })

  test.each([
    [{ app_id: 'notes' }, 'app_id'],
    [{ redirect_uris: ['javascript:alert(1)'] }, 'redirect_uris'],
    [{ redirect_uris: [] }, 'redirect_uris'],
    [{ metadata: { grant_types: ['password'] } }, 'grant_types'],
  ])('400 for %j, and nothing is registered', async (wrong, member) => {
    const { status, body } = await postJson(
      gateway,
      '/admin/register-app',
      { ...app, app_id: 'app_wrong', ...wrong },
      as(operator),
    )
    expect([status, body.code]).toEqual([400, 'INVALID_REQUEST'])
    expect(body.details).toHaveProperty(member)
    expect((await get('/admin/list-apps', as(operator))).body.total).toBe(2)
  })
})

describe('1.9 and 6.12: everyone else', () => {
  test('403 ADMIN_ACCESS_REQUIRED from the login that bypassed checks, with any password', async () => {
    for (const body of [{}, { email: 'admin@example.com', password: 'anything' }])
      expect(await postJson(gateway, '/admin/bypass-login', body)).toMatchObject({
        status: 403,
        body: { code: 'ADMIN_ACCESS_REQUIRED' },
      })
    expect(
      await gateway.sql`select 1 from auth_gateway.identities where role <> 'user' and uai <> ${operator.uai}`,
    ).toEqual([])
  })

  test('401 without a credential, 403 for a person and for an operator of one organization', async () => {
    expect((await get('/admin/status')).status).toBe(401)
    for (const somebody of [await signIn(gateway), await signInOperator(gateway, 'admin')])
      for (const path of ['/admin/status', '/admin/list-apps'])
        expect(await get(path, as(somebody))).toMatchObject({ status: 403, body: { code: 'ADMIN_ACCESS_REQUIRED' } })
  })

  test('404 where Supabase Auth, which keeps passwords, is not there', async () => {
    const given = { current_password: 'a', new_password: 'b' }
    const { status, body } = await postJson(gateway, '/admin/change-password', given, as(operator))
    expect([status, body.code]).toEqual([404, 'PASSWORDS_DISABLED'])
    expect((await postJson(gateway, '/admin/change-password', given)).status).toBe(401)
  })

  test('403 for a page of another site, 401 once the step-up is old', async () => {
    const foreign = { ...as(operator), origin: 'https://attacker.example', 'sec-fetch-site': 'cross-site' }
    expect((await postJson(gateway, '/admin/register-app', app, foreign)).body.code).toBe('CSRF_INVALID')
    await ageStepUp(gateway, operator.uai, 901)
    expect((await get('/admin/status', as(operator))).body.code).toBe('STEP_UP_REQUIRED')
  })
})
