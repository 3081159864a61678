import { beforeEach, describe, expect, test } from 'vitest'
import { signFormToken } from '../../shared/access/form-token.ts'
import { createCall } from '../../shared/call.ts'
import {
  absorb,
  changeIdentity,
  type Identity,
  type IdentityEvent,
  identity,
  reinstate,
  suspend,
} from '../../shared/domain/identity.ts'
import { commit } from '../../shared/events/commit.ts'
import type { Decision } from '../../shared/events/types.ts'
import { IP_HEADER, newEmail, useGateway } from '../support/gateway.ts'
import { codeOf, enrolTotp, giveRole, signInOperator } from '../support/operators.ts'
import { ageStepUp, eventsWhere, openLimits, setStatus } from '../support/rows.ts'
import { createBrowser, formsOf, postJson, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
beforeEach(() => openLimits(gateway))

const api = ({ browser }: SignedInBrowser, path: string, body: object) =>
  postJson(gateway, path, body, { cookie: `lanonasis_session=${browser.cookies.get('lanonasis_session')}` })
const ask = (operator: SignedInBrowser, body: object) =>
  api(operator, '/v1/auth/operator-codes', { reason: 'mail is down', ...body })
const approve = (operator: SignedInBrowser, id: string) =>
  api(operator, `/v1/auth/operator-codes/${id}/approve`, { reason: 'known by voice' })

/** Signs in without mail in a new browser; the session, or the page that refuses. */
async function attempt(email: string, code: string) {
  const browser = createBrowser(gateway)
  const page = await browser.submit(await browser.visit('/web/without-mail'), { email, code }, '/web/without-mail')
  const handle = browser.cookies.get('lanonasis_session')
  const [session] = handle
    ? await gateway.sql`select s.* from auth_gateway.sessions s where s.handle_hash = encode(sha256(${handle}::bytea), 'hex')`
    : []
  return { browser, page, session }
}

describe('a sign-in without mail', () => {
  test('302: by the app, which is one factor and cannot step up its own session', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    const code = codeOf(app, 0)
    const { browser, session } = await attempt(ada.email.toUpperCase(), code)
    expect(session).toMatchObject({ method: 'totp', amr: ['otp'], acr: 'urn:lanonasis:acr:single-factor' })
    expect((await browser.visit('/web/step-up')).url).toContain('/web/login?prompt=login')
    const [form] = formsOf(await browser.visit('/web/recovery'))
    const csrf = signFormToken(gateway.gateway, { holder: `${session?.id}.totp` })
    const body = new URLSearchParams({ ...form?.fields, csrf, code: codeOf(app, 1) })
    const page = await browser.visit('/web/step-up', { method: 'POST', body })
    expect(page).toMatchObject({ status: 403 })
    expect(page.html).toContain('Use a different factor.')
    expect((await attempt(ada.email, code)).session).toBeUndefined()
  })

  test('302: by a recovery code, once; then the app steps up', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    const shown = await ada.browser.submit(await ada.browser.visit('/account/recovery-codes'), {}, '/recovery-codes')
    const [, code = ''] = /<li>([-A-Z2-9]{14})<\/li>/.exec(shown.html) ?? []
    const { browser, session } = await attempt(ada.email, code)
    expect(session).toMatchObject({ method: 'recovery_code', acr: 'urn:lanonasis:acr:single-factor' })
    expect((await attempt(ada.email, code)).session).toBeUndefined()
    await browser.submit(await browser.visit('/web/step-up'), { code: codeOf(app, 0) }, '/web/step-up')
    const [after] = await gateway.sql`select acr from auth_gateway.sessions where id = ${session?.id}`
    expect(after?.acr).toBe('urn:lanonasis:acr:multi-factor')
  })

  test('400: the same page for a wrong code, a person without an app, and an unknown person; 429 for all after five', async () => {
    const [ada, grace] = [await signIn(gateway), await signIn(gateway)]
    await enrolTotp(ada)
    const strip = (html: string) => html.replace(/(value|data-[a-z]+)="[^"]*"/g, '')
    const seen = []
    for (const email of [ada.email, grace.email, newEmail('nobody')]) {
      const pages = []
      for (let n = 0; n < 6; n++) pages.push((await attempt(email, '123456')).page)
      expect(pages.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 429])
      seen.push(pages.map(({ html }) => strip(html)))
    }
    expect(seen[1]).toEqual(seen[0])
    expect(seen[2]).toEqual(seen[0])
  }, 40_000)

  test('strangers who try do not keep its person from stepping up, nor from their recovery codes', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    for (let n = 0; n < 7; n++) await attempt(ada.email, '000000')
    const done = await ada.browser.submit(await ada.browser.visit('/web/step-up'), { code: codeOf(app, 0) }, '/step-up')
    expect(done).toMatchObject({ status: 200, url: `${gateway.url}/account` })
    const shown = await ada.browser.submit(await ada.browser.visit('/account/recovery-codes'), {}, '/recovery-codes')
    const [, code = ''] = /<li>([-A-Z2-9]{14})<\/li>/.exec(shown.html) ?? []
    expect((await attempt(ada.email, code)).session).toBeTruthy()
  })

  test('403 for a suspended person, and the code is spent', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    await setStatus(gateway, ada.uai, 'suspended')
    const code = codeOf(app, 0)
    expect((await attempt(ada.email, code)).page.status).toBe(403)
    await setStatus(gateway, ada.uai, 'active')
    expect((await attempt(ada.email, code)).session).toBeUndefined()
  })
})

describe('an operator’s code', () => {
  test('201: for a person of their organization, who is notified, sees it, and signs in with it once', async () => {
    const [operator, ada] = [await signInOperator(gateway), await signIn(gateway)]
    const { status, body } = await ask(operator, { email: ada.email })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      awaits_second_operator: false,
      code: expect.stringMatching(/^[A-Z2-9]{4}-[A-Z2-9]{4}$/),
    })
    await expect
      .poll(() => gateway.inbox.sent.at(-1)?.body)
      .toMatchObject({ kind: 'operator_code_made', to: ada.email })
    const account = await ada.browser.visit('/account/sign-in')
    for (const words of ['mail is down', operator.uai, 'not used']) expect(account.html).toContain(words)
    const { session } = await attempt(ada.email, body.code.toLowerCase())
    expect(session).toMatchObject({ method: 'operator_code', acr: 'urn:lanonasis:acr:operator-vouched' })
    expect((await attempt(ada.email, body.code)).session).toBeUndefined()
    const events = await eventsWhere(gateway, { stream_id: body.id })
    expect(events[0]).toMatchObject({
      data: { uai: ada.uai, operator: operator.uai },
      metadata: { actorType: 'operator', actor: operator.uai },
    })
    expect(events.map((one) => one.event_type)).toEqual(['OperatorCodeRequested', 'OperatorCodeUsed'])
    for (const secret of [body.code.replace('-', ''), 'mail is down'])
      expect(JSON.stringify(events)).not.toContain(secret)
  })

  test('for another operator it takes two, and neither half signs in alone', async () => {
    const [first, second, third] = [
      await signInOperator(gateway),
      await signInOperator(gateway),
      await signInOperator(gateway),
    ]
    const asked = (await ask(first, { uai: third.uai })).body
    expect(asked).toMatchObject({ awaits_second_operator: true })
    expect((await attempt(third.email, asked.code)).session).toBeUndefined()
    expect(await approve(first, asked.id)).toMatchObject({ status: 409, body: { code: 'SECOND_OPERATOR_NEEDED' } })
    expect(await approve(third, asked.id)).toMatchObject({ status: 403 })
    const agreed = (await approve(second, asked.id)).body
    expect(await approve(second, asked.id)).toMatchObject({ status: 404 })
    for (const half of [asked.code, agreed.code, asked.code + asked.code])
      expect((await attempt(third.email, half)).session).toBeUndefined()
    expect((await attempt(third.email, agreed.code + asked.code)).session).toMatchObject({ uai: third.uai })
  }, 40_000)

  test('403 or 404 outside of what the operator answers for: themselves, other organizations, who may do more', async () => {
    const [everything, own, ada] = [
      await signInOperator(gateway),
      await signInOperator(gateway, 'admin'),
      await signIn(gateway),
    ]
    expect((await ask(everything, { uai: everything.uai })).status).toBe(403)
    expect((await ask(own, { uai: ada.uai })).status).toBe(404)
    expect((await ask(own, { email: newEmail() })).status).toBe(404)
    expect((await ask(ada, { uai: own.uai })).status).toBe(403)
    await gateway.sql`update auth_gateway.identities set (organization_id, organizations) =
      (select organization_id, organizations from auth_gateway.identities where uai = ${own.uai})
      where uai in (${ada.uai}, ${everything.uai})`
    expect((await ask(own, { uai: everything.uai })).status).toBe(403)
    expect((await ask(own, { uai: ada.uai })).status).toBe(201)
    expect((await ask(own, { uai: ada.uai, email: ada.email })).status).toBe(400)
    expect((await ask(own, { uai: ada.uai, reason: 'x' })).status).toBe(400)
    // A person who is part of another organization too is not theirs to let in.
    await gateway.sql`update auth_gateway.identities set organizations = organizations || gen_random_uuid() where uai = ${ada.uai}`
    expect((await ask(own, { uai: ada.uai })).status).toBe(404)
  })

  test('403 when a page of another sub-domain asks for an operator, whose cookie comes along', async () => {
    const [operator, ada] = [await signInOperator(gateway), await signIn(gateway)]
    const cookie = `lanonasis_session=${operator.browser.cookies.get('lanonasis_session')}`
    for (const headers of [
      { origin: 'https://blog.lanonasis.com' },
      { origin: 'http://localhost:9999' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const body = { uai: ada.uai, reason: 'stolen' }
      const asked = await postJson(gateway, '/v1/auth/operator-codes', body, { cookie, ...headers } as never)
      expect(asked).toMatchObject({ status: 403, body: { code: 'CSRF_INVALID' } })
      const read = await fetch(`${gateway.url}/v1/auth/operator-codes`, { headers: { cookie, ...headers } as never })
      expect(read.status).toBe(403)
    }
  })

  test('void after 10,000 wrong attempts, when it is revoked, and after 15 minutes', async () => {
    const [operator, ada] = [await signInOperator(gateway), await signIn(gateway)]
    const one = (await ask(operator, { uai: ada.uai })).body
    for (let n = 0; n < 6; n++) await attempt(ada.email, 'BBBBBBBB')
    await gateway.sql`update auth_gateway.operator_codes set attempts = 9999 where id = ${one.id}`
    await attempt(ada.email, 'BBBBBBBB')
    expect((await attempt(ada.email, one.code)).session).toBeUndefined()
    const [row] = await gateway.sql`select status, attempts from auth_gateway.operator_codes where id = ${one.id}`
    expect(row).toEqual({ status: 'locked', attempts: 10_000 })

    const other = (await ask(operator, { uai: ada.uai })).body
    const cookie = `lanonasis_session=${operator.browser.cookies.get('lanonasis_session')}`
    const revoke = () =>
      fetch(`${gateway.url}/v1/auth/operator-codes/${other.id}`, { method: 'DELETE', headers: { cookie } })
    expect([(await revoke()).status, (await revoke()).status]).toEqual([200, 404])
    expect((await attempt(ada.email, other.code)).session).toBeUndefined()

    const late = (await ask(operator, { uai: ada.uai })).body
    await gateway.sql`update auth_gateway.operator_codes set expires_at = now() where id = ${late.id}`
    expect((await attempt(ada.email, late.code)).session).toBeUndefined()
  }, 40_000)

  test('20 at once with the same one: one session', async () => {
    const [operator, ada] = [await signInOperator(gateway), await signIn(gateway)]
    const { code } = (await ask(operator, { uai: ada.uai })).body
    const browsers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const browser = createBrowser(gateway)
        return { browser, page: await browser.visit('/web/without-mail') }
      }),
    )
    await Promise.all(
      browsers.map(({ browser, page }) => browser.submit(page, { email: ada.email, code }, '/web/without-mail')),
    )
    const sessions = await gateway.sql`select 1 from auth_gateway.sessions
      where uai = ${ada.uai} and method = 'operator_code'`
    expect(sessions).toHaveLength(1)
  }, 40_000)

  test('void once the role, the organization or the account of its person changes, permanently', async () => {
    const [root, ada, other] = [await signInOperator(gateway), await signIn(gateway), await signIn(gateway)]
    const made = async () => {
      await openLimits(gateway)
      return (await ask(root, { uai: ada.uai })).body.code
    }
    const change = (decide: (state: Identity) => Decision<IdentityEvent>) =>
      commit(createCall(gateway.gateway), async (work) => {
        ;(await work.load(identity, ada.uai, { subject: ada.uai })).decide(decide)
      })
    for (const changes of [
      [
        (state: Identity) => changeIdentity(state, { role: 'platform_admin' }),
        (state: Identity) => changeIdentity(state, { role: 'user' }),
      ],
      [(state: Identity) => changeIdentity(state, { organizationId: crypto.randomUUID() })],
      [(state: Identity) => suspend(state, 'test'), (state: Identity) => reinstate(state, 'test')],
      [(state: Identity) => absorb(state, other.uai)],
    ]) {
      const code = await made()
      for (const decide of changes) await change(decide)
      expect((await attempt(ada.email, code)).session).toBeUndefined()
    }
    expect((await attempt(ada.email, await made())).session).toMatchObject({ method: 'operator_code' })
  })

  test('a change of role that comes at the same time: before it a session, after it none', async () => {
    const [root, ada] = [await signInOperator(gateway), await signIn(gateway)]
    const { body: made } = await ask(root, { uai: ada.uai })
    const [, ...tries] = await Promise.all([
      giveRole(gateway, ada.uai, 'platform_admin'),
      ...Array.from({ length: 10 }, () => attempt(ada.email, made.code)),
    ])
    const events = await gateway.sql`select event_type from auth_gateway.event_store where
      stream_id = ${made.id} and event_type = 'OperatorCodeUsed' or stream_id = ${ada.uai} and event_type = 'IdentityChanged'
      order by position`
    const types = events.map(({ event_type }) => event_type)
    const signedIn = tries.filter(({ session }) => session).length
    expect(types).toEqual(signedIn > 0 ? ['OperatorCodeUsed', 'IdentityChanged'] : ['IdentityChanged'])
    expect((await attempt(ada.email, made.code)).session).toBeUndefined()
  })

  test('the desk: 403 for a form of another site, 303 to the step-up when that is old', async () => {
    const operator = await signInOperator(gateway)
    const page = await operator.browser.visit('/operator/codes')
    expect(page).toMatchObject({ status: 200 })
    const ada = await signIn(gateway)
    const made = await operator.browser.submit(page, { email: ada.email, reason: 'lost phone' }, '/operator/codes')
    expect(made.html).toContain('Give the person this code')
    expect(await operator.browser.submit(page, { email: ada.email, reason: 'again' }, '/operator/codes')).toMatchObject(
      {
        url: `${gateway.url}/operator/codes`,
      },
    )
    const [form] = formsOf(await operator.browser.visit('/operator/codes'))
    const body = new URLSearchParams({ ...form?.fields, email: ada.email, reason: 'lost phone' })
    const headers = { 'sec-fetch-site': 'cross-site', [IP_HEADER]: '10.3.3.3' }
    expect((await operator.browser.visit('/operator/codes', { method: 'POST', body, headers })).status).toBe(403)
    await ageStepUp(gateway, operator.uai, 16 * 60)
    expect((await operator.browser.visit('/operator/codes')).url).toContain(
      '/web/step-up?return_to=%2Foperator%2Fcodes',
    )
  })
})
