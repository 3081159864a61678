import { describe, expect, test } from 'vitest'
import { isEqual, rebuildModels } from '../../scripts/lib/rebuild-models.ts'
import { verifyEvents } from '../../scripts/lib/verify-events.ts'
import { currentSigner, makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { ask } from '../support/as-browser.ts'
import { useGateway } from '../support/gateway.ts'
import { enrolTotp, signInOperator } from '../support/operators.ts'
import { ageSessions, ageStepUp, eventsWhere, openLimits } from '../support/rows.ts'
import { settled } from '../support/settle.ts'
import { createBrowser, getTokens, passSignIn, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()

const post = (person: SignedInBrowser, path: string, body: object, origin?: string) =>
  ask(gateway, person, 'POST', path, body, origin)
const age = (uai: string) => ageSessions(gateway, uai, 3600)

/** What of a person can still be read or found. */
async function traces(uai: string): Promise<number> {
  const [row] = await gateway.sql`
    select (select count(*) from auth_gateway.subject_keys where subject = ${uai})
      + (select count(*) from auth_gateway.lookup_digests where subject = ${uai})
      + (select count(*) from auth_gateway.credentials where uai = ${uai}) as n`
  return Number(row?.n)
}

async function stillVerifies(): Promise<void> {
  await settled(gateway)
  await makeCheckpoints(gateway.gateway)
  const { open: openNote } = await currentSigner(gateway.gateway)
  expect((await verifyEvents(gateway.sql, { openNote })).faults).toEqual([])
  expect(
    (await rebuildModels(gateway.sql, ['identities', 'credentials', 'otp_challenges', 'api_keys'])).filter(
      (one) => !isEqual(one),
    ),
  ).toEqual([])
}

describe('a person', () => {
  test('200 erases themselves on their page, gets a receipt, and is erased; chains, checkpoints and rebuilds still hold', async () => {
    const ada = await signIn(gateway)
    const { access_token } = await getTokens(gateway, ada)
    await settled(gateway)
    await makeCheckpoints(gateway.gateway)
    const page = await ada.browser.visit('/account/erase')
    const wrong = await ada.browser.submit(page, { word: 'no' }, '/account/erase')
    expect([wrong.status, (await traces(ada.uai)) > 0]).toEqual([400, true])
    const done = await ada.browser.submit(wrong, { word: 'delete' }, '/account/erase')
    expect(done.html).toContain('Your account is deleted')
    expect(done.html).toContain(ada.uai)
    expect(await traces(ada.uai)).toBe(0)
    const headers = { authorization: `Bearer ${access_token}` }
    expect((await fetch(`${gateway.url}/v1/auth/me`, { headers })).status).toBe(401)
    const [{ digests } = { digests: 1 }] = await gateway.sql`
      select count(*)::int as digests from auth_gateway.lookup_digests where digest = ${gateway.gateway.personal.digest(ada.email)}`
    expect(digests).toBe(0)
    await stillVerifies()
  })

  test('200 by the API, naming themselves; 404 naming another, 401 long after signing in', async () => {
    const ada = await signIn(gateway)
    const other = await signIn(gateway)
    expect((await post(ada, '/v1/auth/me/erase', { uai: other.uai })).status).toBe(404)
    await age(ada.uai)
    expect(await post(ada, '/v1/auth/me/erase', { uai: ada.uai })).toMatchObject({
      status: 401,
      body: { code: 'STEP_UP_REQUIRED' },
    })
    await openLimits(gateway)
    const again = await signIn(gateway, ada.email)
    const { status, body } = await post(again, '/v1/auth/me/erase', { uai: ada.uai })
    expect([status, body]).toMatchObject([200, { uai: ada.uai, status: 'erased', keys_left: 0, digests_left: 0 }])
    expect(body.keys_destroyed).toBeGreaterThan(1)
    expect(await traces(other.uai)).toBeGreaterThan(0)
  })

  test('303 to sign in again long after signing in, and to the authenticator app if there is one', async () => {
    const ada = await signIn(gateway)
    await age(ada.uai)
    expect((await ada.browser.visit('/account/erase')).url).toContain('/web/login?prompt=login')
    const grace = await signIn(gateway)
    await enrolTotp(grace)
    await ageStepUp(gateway, grace.uai, 3600)
    expect((await grace.browser.visit('/account/erase')).url).toContain('/web/step-up')
    expect((await post(grace, '/v1/auth/me/erase', { uai: grace.uai })).status).toBe(401)
  })

  test('is a new identity when they return with the same address', async () => {
    const ada = await signIn(gateway)
    await post(ada, '/v1/auth/me/erase', { uai: ada.uai })
    await openLimits(gateway)
    const browser = createBrowser(gateway)
    await passSignIn(gateway, browser, await browser.visit('/web/login'), ada.email)
    expect(JSON.parse(decodeURIComponent(browser.cookies.get('lanonasis_user') ?? '')).id).not.toBe(ada.uai)
  })

  test('401 from a page of another site, which cannot send the cookie; 403 from one of the same site', async () => {
    const ada = await signIn(gateway)
    const from = async (origin: string) => (await post(ada, '/v1/auth/me/erase', { uai: ada.uai }, origin)).status
    expect([await from('https://evil.example'), await from('http://127.0.0.1:1')]).toEqual([401, 403])
    expect(await traces(ada.uai)).toBeGreaterThan(0)
  })

  test('one of 20 attempts at once destroys, and the others find it done', async () => {
    const ada = await signIn(gateway)
    // The first one waits for the row, so that all twenty are past the check of the session.
    const all = await gateway.sql.begin(async (sql) => {
      await sql`select from auth_gateway.identities where uai = ${ada.uai} for update`
      const asked = Array.from({ length: 20 }, () => post(ada, '/v1/auth/me/erase', { uai: ada.uai }))
      await new Promise((resolve) => setTimeout(resolve, 2000))
      return { answers: Promise.all(asked) }
    })
    expect((await all.answers).map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect((await post(ada, '/v1/auth/me/erase', { uai: ada.uai })).status).toBe(401)
    const erased = await eventsWhere(gateway, { stream_id: ada.uai, event_type: 'IdentityErased' })
    expect([erased.length, await traces(ada.uai)]).toEqual([1, 0])
  })
})

describe('an operator', () => {
  test('200 erases a person with a reason, which is in the event with the operator', async () => {
    const [operator, ada] = [await signInOperator(gateway), await signIn(gateway)]
    const { status, body } = await post(operator, `/v1/operators/people/${ada.uai}/erase`, {
      reason: 'asked by letter',
    })
    expect([status, body.uai]).toEqual([200, ada.uai])
    const [event] = await eventsWhere(gateway, { stream_id: ada.uai, event_type: 'IdentityErased' })
    expect(event?.data.reason).toBe('asked by letter')
    expect(event?.metadata).toMatchObject({ actorType: 'operator', actor: operator.uai })
    await stillVerifies()
  })

  test('404 outside of their organization, 403 themselves, 400 without a reason, 403 without the operator role', async () => {
    const [admin, platform, ada] = [
      await signInOperator(gateway, 'admin'),
      await signInOperator(gateway),
      await signIn(gateway),
    ]
    const path = (uai: string) => `/v1/operators/people/${uai}/erase`
    expect((await post(admin, path(ada.uai), { reason: 'because' })).status).toBe(404)
    expect((await post(platform, path(platform.uai), { reason: 'because' })).status).toBe(403)
    expect((await post(platform, path(ada.uai), {})).status).toBe(400)
    expect((await post(ada, path(admin.uai), { reason: 'because' })).status).toBe(403)
    expect(await traces(ada.uai)).toBeGreaterThan(0)
  })
})
