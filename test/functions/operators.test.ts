import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppContext } from '../../shared/http/app.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { ageStepUp, enrolTotp, giveRole, signInOperator } from '../support/operators.ts'
import { getTokens, type SignedInBrowser, signIn } from '../support/sign-in.ts'

let gateway: TestGateway
let answer: (headers: Record<string, string>, demand?: { platform?: boolean; page?: boolean }) => Promise<Response>
beforeAll(async () => {
  gateway = await startGateway()
  const { createApp } = await import('../../shared/http/app.ts')
  const operators = await import('../../shared/identity/operator.ts')
  const app = createApp('api')
  app.get('/api', async (c: AppContext) => {
    const operator = await operators.requireOperator(gateway.gateway, c, {
      platform: c.req.query('platform') === 'yes',
    })
    return c.json({ uai: operator.principal.person.uai, organizationId: operator.organizationId ?? null })
  })
  app.get('/page', async (c: AppContext) => {
    const operator = await operators.visitingOperator(gateway.gateway, c, '/page')
    return operator instanceof Response ? operator : c.text('the console')
  })
  answer = async (headers, { platform, page } = {}) =>
    app.fetch(new Request(`${gateway.url}/${page ? 'page' : 'api'}${platform ? '?platform=yes' : ''}`, { headers }), {})
})
afterAll(() => gateway?.stop())

const cookie = ({ browser }: SignedInBrowser) => ({
  cookie: `lanonasis_session=${browser.cookies.get('lanonasis_session')}`,
})

describe('an operator', () => {
  test('200: of everything as platform_admin, of their own organization as admin', async () => {
    const [everything, own] = [await signInOperator(gateway), await signInOperator(gateway, 'admin')]
    expect(await (await answer(cookie(everything))).json()).toEqual({ uai: everything.uai, organizationId: null })
    const [row] = await gateway.sql`select organization_id from auth_gateway.identities where uai = ${own.uai}`
    expect(await (await answer(cookie(own))).json()).toEqual({ uai: own.uai, organizationId: row?.organization_id })
    expect((await answer(cookie(own), { platform: true })).status).toBe(403)
    expect((await answer(cookie(everything), { platform: true })).status).toBe(200)
    expect(await (await answer(cookie(everything), { page: true })).text()).toBe('the console')
  })

  test('401 with what to step up to when the step-up is missing or 15 minutes old (RFC 9470 section 3), 303 for pages', async () => {
    const ada = await signIn(gateway)
    await giveRole(gateway, ada.uai, 'platform_admin')
    const refused = await answer(cookie(ada))
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_user_authentication", error_description="[^"]+", acr_values="urn:lanonasis:acr:multi-factor", max_age="900"/,
    )
    expect(await refused.json()).toMatchObject({ code: 'STEP_UP_REQUIRED' })
    const operator = await signInOperator(gateway)
    expect((await answer(cookie(operator))).status).toBe(200)
    await ageStepUp(gateway, operator.uai, 901)
    expect((await answer(cookie(operator))).status).toBe(401)
    const page = await answer(cookie(operator), { page: true })
    expect([page.status, page.headers.get('location')]).toEqual([303, '/web/step-up?return_to=%2Fpage'])
  })

  test('403 for everybody else, 401 without a session, 303 to the sign-in for pages', async () => {
    const ada = await signIn(gateway)
    expect((await answer(cookie(ada))).status).toBe(403)
    expect((await answer(cookie(ada), { page: true })).status).toBe(403)
    expect((await answer({})).status).toBe(401)
    expect((await answer({}, { page: true })).headers.get('location')).toBe('/web/login?return_to=%2Fpage')
  })

  test('200 with a token for the gateway alone, 401 with one for other resources as well, which could be passed on from there', async () => {
    const operator = await signInOperator(gateway)
    const bearer = async (changes: Record<string, string>) => ({
      authorization: `Bearer ${(await getTokens(gateway, operator, changes)).access_token}`,
    })
    expect((await answer(await bearer({ scope: 'openid', resource: gateway.url }))).status).toBe(200)
    const older = await signIn(gateway)
    await giveRole(gateway, older.uai, 'platform_admin')
    const { access_token: weak } = await getTokens(gateway, older, { scope: 'openid', resource: gateway.url })
    await enrolTotp(older)
    const refused = await answer({ authorization: `Bearer ${weak}` })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_user_authentication')
    const other = await bearer({ scope: 'memories:read', resource: 'https://api.lanonasis.com' })
    expect((await answer(other)).status).toBe(401)
  })
})
