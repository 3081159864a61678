import decodeQr from 'qr/decode.js'
import { beforeEach, describe, expect, test } from 'vitest'
import { api } from '../support/api-keys.ts'
import { eventsOf, IP_HEADER, useGateway } from '../support/gateway.ts'
import { codeOf, enrolTotp, scan, signInOperator } from '../support/operators.ts'
import { ageSessions, ageStepUp, eventsWhere, openLimits, runMaintenance } from '../support/rows.ts'
import { formsOf, getTokens, type SignedInBrowser, signIn } from '../support/sign-in.ts'

// What a session may do that the mail alone has started.
const gateway = useGateway({ env: { SECOND_FACTOR_POLICY: 'never' } })
beforeEach(() => openLimits(gateway))

const ageSignIn = (uai: string, seconds: number) => ageSessions(gateway, uai, seconds)
const stepUp = async ({ browser }: SignedInBrowser, code: string, returnTo = '/account') => {
  const page = await browser.visit(`/web/step-up?return_to=${encodeURIComponent(returnTo)}`)
  return browser.submit(page, { code }, '/web/step-up')
}
/** Lets the codes of now count again, as if the last one had been used long ago. */
const rewind = (uai: string) =>
  gateway.sql`update auth_gateway.totp_authenticators set last_step = 0 where uai = ${uai}`

describe('enrolment', () => {
  test('200: a QR code leads to the app, whose code turns it on; the secret is in no event, only sealed next to it', async () => {
    const ada = await signIn(gateway)
    const page = await ada.browser.visit('/account/totp')
    const svg = Buffer.from(/svg\+xml;base64,([^"]+)"/.exec(page.html)?.[1] ?? '', 'base64').toString()
    const app = scan(page)
    const read = decodeQr(bitmapOf(svg))
    expect(read).toContain(`secret=${app.secret.base32}`)
    expect(read).toContain(`LanOnasis:${encodeURIComponent(ada.email)}`)
    const before = ada.browser.cookies.get('lanonasis_session')
    const done = await ada.browser.submit(page, { code: codeOf(app, 0) }, '/account/totp')
    expect(done).toMatchObject({ status: 200 })
    expect(done.url).toContain('/account/recovery-codes')
    expect((await ada.browser.visit('/account?done=totp_added')).html).toContain('Your authenticator app is set up.')
    expect(ada.browser.cookies.get('lanonasis_session')).not.toBe(before)

    const [enrolled] = await eventsWhere(gateway, { event_type: 'TotpEnrolled', subject: ada.uai })
    const dump = JSON.stringify([
      await gateway.sql`select * from auth_gateway.event_store`,
      (await gateway.sql`select sealed from auth_gateway.event_secrets`).map((one) => one.sealed.toString('latin1')),
    ])
    expect(dump).not.toContain(app.secret.base32)
    expect(enrolled?.stream_id).toBeTruthy()
  })

  test('303 to the sign-in when the last one is long ago, and to the step-up when there is an app already', async () => {
    const ada = await signIn(gateway)
    await ageSignIn(ada.uai, 901)
    expect((await ada.browser.visit('/account/totp')).url).toContain('/web/login?prompt=login')
    await ageSignIn(ada.uai, -901)
    await enrolTotp(ada)
    expect((await ada.browser.visit('/account/totp')).url).toContain('/account/totp')
    await ageStepUp(gateway, ada.uai, 901)
    expect((await ada.browser.visit('/account/totp')).url).toContain('/web/step-up?return_to=%2Faccount%2Ftotp')
  })

  test('400 for a wrong code, with the same secret still on the page; 403 for an enrolment of another session', async () => {
    const [ada, eve] = [await signIn(gateway), await signIn(gateway)]
    const page = await ada.browser.visit('/account/totp')
    const again = await ada.browser.submit(page, { code: '000000' }, '/account/totp')
    expect(again).toMatchObject({ status: 400 })
    expect(again.html).toContain('The code is wrong or has expired.')
    expect(scan(again).secret.base32).toBe(scan(page).secret.base32)
    const [form] = formsOf(await eve.browser.visit('/account/totp'))
    const [stolen] = formsOf(page)
    const body = new URLSearchParams({ ...form?.fields, enrolment: stolen?.fields.enrolment ?? '' })
    body.set('code', codeOf(scan(page), 0))
    expect((await eve.browser.visit('/account/totp', { method: 'POST', body })).status).toBe(403)
  })
})

describe('the step-up', () => {
  test('303 back, with a new handle that takes the place of the old one (ASVS 7.2.4)', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    const old = ada.browser.cookies.get('lanonasis_session') ?? ''
    const done = await stepUp(ada, codeOf(app, 0), '/account/agents')
    expect(done).toMatchObject({ status: 200, url: `${gateway.url}/account/agents` })
    const ask = (handle: string) =>
      fetch(`${gateway.url}/v1/auth/session/check`, { headers: { cookie: `lanonasis_session=${handle}` } })
    expect(await (await ask(old)).json()).toMatchObject({ authenticated: false })
    const fresh = ada.browser.cookies.get('lanonasis_session') ?? ''
    expect(await (await ask(fresh)).json()).toMatchObject({ authenticated: true })
    const [row] = await gateway.sql`select amr, acr, stepped_up_at from auth_gateway.sessions where uai = ${ada.uai}`
    expect(row).toMatchObject({ amr: ['otp', 'mfa'], acr: 'urn:lanonasis:acr:multi-factor' })
  })

  test('400 for a code that was used, one of the step before, and one of another user (RFC 6238 section 5.2)', async () => {
    const [ada, eve] = [await signIn(gateway), await signIn(gateway)]
    const [app, other] = [await enrolTotp(ada), await enrolTotp(eve)]
    const [before, now, next, foreign] = [codeOf(app, -1), codeOf(app, 0), codeOf(app, 1), codeOf(other, 1)]
    expect((await stepUp(ada, now)).status).toBe(200)
    for (const code of [now, before, foreign, '', 'abcdef']) expect((await stepUp(ada, code)).status, code).toBe(400)
    expect((await stepUp(ada, next)).status).toBe(200)
  })

  test('20 at once with the right code: one wins', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    const [form] = formsOf(await ada.browser.visit('/web/step-up'))
    const cookie = `lanonasis_session=${ada.browser.cookies.get('lanonasis_session')}`
    const body = new URLSearchParams({ ...form?.fields, code: codeOf(app, 0) })
    const post = () =>
      fetch(`${gateway.url}/web/step-up`, {
        method: 'POST',
        body,
        redirect: 'manual',
        headers: { cookie, [IP_HEADER]: '10.1.1.1' },
      })
    const statuses = (await Promise.all(Array.from({ length: 20 }, post))).map(({ status }) => status)
    expect(await eventsWhere(gateway, { event_type: 'TotpCodeAccepted', subject: ada.uai })).toHaveLength(1)
    const steppedUp = await eventsWhere(gateway, { event_type: 'SessionSteppedUp', subject: ada.uai })
    // One from the enrolment, one from the winner; the others had the old handle or a spent code.
    expect(steppedUp).toHaveLength(2)
    expect(statuses.filter((status) => status === 200)).toEqual([])
  })

  test('429 after 5 wrong codes, for the right one too, from any address and however many arrive in parallel', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    await rewind(ada.uai)
    const [form] = formsOf(await ada.browser.visit('/web/step-up'))
    const cookie = `lanonasis_session=${ada.browser.cookies.get('lanonasis_session')}`
    const guess = (code: string, n: number) =>
      fetch(`${gateway.url}/web/step-up`, {
        method: 'POST',
        body: new URLSearchParams({ ...form?.fields, code }),
        redirect: 'manual',
        headers: { cookie, [IP_HEADER]: `10.2.${n}.1` },
      })
    const wrong = (n: number) => codeOf(app, 0).replace(/\d$/, (last) => String((Number(last) + 1 + (n % 8)) % 10))
    await Promise.all(Array.from({ length: 40 }, (_, n) => guess(wrong(n), n)))
    const failures = await eventsWhere(gateway, { event_type: 'TotpCodeRefused', subject: ada.uai })
    expect(failures).toHaveLength(5)
    expect((await guess(codeOf(app, 0), 99)).status).toBe(429)
  })

  test('303 to the enrolment without an app, to the sign-in without a session, and never to a foreign place', async () => {
    const ada = await signIn(gateway)
    expect((await ada.browser.visit('/web/step-up?return_to=/account/agents')).url).toContain(
      '/account/totp?return_to=%2Faccount%2Fagents',
    )
    const app = await enrolTotp(ada)
    const done = await stepUp(ada, codeOf(app, 0), 'https://evil.example/')
    expect(done).toMatchObject({ status: 200, url: `${gateway.url}/account`, location: undefined })
    const nobody = await fetch(`${gateway.url}/web/step-up?return_to=/account`, { redirect: 'manual' })
    expect(nobody.headers.get('location')).toBe('/web/login?return_to=%2Fweb%2Fstep-up%3Freturn_to%3D%252Faccount')
  })

  test('403 without the token of the form, or when another site posts it', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    const [form] = formsOf(await ada.browser.visit('/web/step-up'))
    const send = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      ada.browser.visit('/web/step-up', { method: 'POST', body: new URLSearchParams(fields), headers })
    expect((await send({ code: codeOf(app, 0) })).status).toBe(403)
    expect((await send({ ...form?.fields, code: codeOf(app, 0) }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  })
})

describe('recovery codes', () => {
  test('200: ten, shown once, of which only keyed hashes are stored; new ones replace the old ones', async () => {
    const ada = await signIn(gateway)
    await enrolTotp(ada)
    const codes = await makeCodes(ada)
    expect(new Set(codes).size).toBe(10)
    const dump = JSON.stringify([
      await gateway.sql`select * from auth_gateway.event_store where subject = ${ada.uai}`,
      await gateway.sql`select * from auth_gateway.recovery_codes where uai = ${ada.uai}`,
    ])
    for (const code of codes) {
      expect(dump).not.toContain(code)
      expect(dump).not.toContain(code.replaceAll('-', ''))
    }
    const page = await ada.browser.visit('/account/recovery-codes')
    expect(page.html).toContain('You have 10 left.')
    await makeCodes(ada)
    expect(await recover(ada, codes[0] ?? '')).toMatchObject({ status: 400 })
    const notices = () => gateway.inbox.sent.filter(({ to }) => to === ada.email).flatMap(({ body }) => body.kind ?? [])
    await expect.poll(notices).toEqual(['authenticator_added', 'recovery_codes_made', 'recovery_codes_made'])
  })

  test('303: one lets the person set up their factors again, once, in any case and grouping, and does not count as a step-up', async () => {
    const ada = await signIn(gateway)
    await enrolTotp(ada)
    const [first = '', second = ''] = await makeCodes(ada)
    await ageStepUp(gateway, ada.uai, 901)
    expect((await ada.browser.visit('/account/totp')).url).toContain('/web/step-up')
    const done = await recover(ada, ` ${first.toLowerCase().replaceAll('-', ' ')}`, '/account/totp')
    expect(done.url).toBe(`${gateway.url}/account/totp`)
    const [row] = await gateway.sql`select amr, acr, stepped_up_at < now() - interval '900 seconds' as old
      from auth_gateway.sessions where uai = ${ada.uai}`
    expect(row).toMatchObject({ old: true })
    expect(await recover(ada, first)).toMatchObject({ status: 400 })
    expect(await recover(ada, second)).toMatchObject({ status: 200 })
    expect((await ada.browser.visit('/account/sign-in')).html).toContain('8 left')
  })

  test('20 at once with the same one: one wins', async () => {
    const ada = await signIn(gateway)
    await enrolTotp(ada)
    const [code = ''] = await makeCodes(ada)
    const [form] = formsOf(await ada.browser.visit('/web/recovery'))
    const cookie = `lanonasis_session=${ada.browser.cookies.get('lanonasis_session')}`
    const body = new URLSearchParams({ ...form?.fields, code })
    await Promise.all(
      Array.from({ length: 20 }, () =>
        fetch(`${gateway.url}/web/recovery`, { method: 'POST', body, redirect: 'manual', headers: { cookie } }),
      ),
    )
    const used = await gateway.sql`select event_type from auth_gateway.event_store where subject = ${ada.uai}
      and event_type in ('RecoveryCodeUsed', 'SessionRecovered') order by event_type`
    expect(used.map((one) => one.event_type)).toEqual(['RecoveryCodeUsed', 'SessionRecovered'])
  })

  async function makeCodes({ browser }: SignedInBrowser): Promise<string[]> {
    const shown = await browser.submit(await browser.visit('/account/recovery-codes'), {}, '/account/recovery-codes')
    return [...shown.html.matchAll(/<li>([A-Z2-9]{4}(?:-[A-Z2-9]{4}){2})<\/li>/g)].map(([, code = '']) => code)
  }

  const recover = async ({ browser }: SignedInBrowser, code: string, returnTo = '/account') =>
    browser.submit(
      await browser.visit(`/web/recovery?return_to=${encodeURIComponent(returnTo)}`),
      { code },
      '/web/recovery',
    )
})

describe('removal', () => {
  test('needs a step-up, removes the app permanently, and destroys its secret', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    await ageStepUp(gateway, ada.uai, 901)
    const asked = await ada.browser.submit(await ada.browser.visit('/account/sign-in'), {}, '/account/totp/remove')
    expect(asked.url).toContain('/web/step-up')
    await ada.browser.submit(asked, { code: codeOf(app, 0) }, '/web/step-up')
    const done = await ada.browser.submit(await ada.browser.visit('/account/sign-in'), {}, '/account/totp/remove')
    expect(done.html).toContain('The authenticator app was removed')
    expect((await stepUp(ada, codeOf(app, 1)).catch((error: Error) => error.message)).toString()).toContain('no form')
    const count = async () =>
      (
        await gateway.sql`select 1 from auth_gateway.event_secrets where name = 'totp_secret'
        and event_id in (select event_id from auth_gateway.event_store where subject = ${ada.uai})`
      ).length
    expect(await count()).toBe(1)
    await runMaintenance(gateway)
    expect(await count()).toBe(0)
    expect((await eventsOf(gateway, 'totp_authenticator')).at(-1)).toMatchObject({
      event_type: 'TotpRemoved',
      metadata: { actorType: 'person', actor: ada.uai },
    })
  })

  test('lowers the assurance of every running session that the app had raised', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    await openLimits(gateway)
    await stepUp(await signIn(gateway, ada.email), codeOf(app, 0))
    const assurance = async () =>
      (
        await gateway.sql`select acr, stepped_up_at is not null as "steppedUp" from auth_gateway.sessions where uai = ${ada.uai}`
      ).map(({ acr, steppedUp }) => [acr, steppedUp])
    const raised = ['urn:lanonasis:acr:multi-factor', true]
    expect(await assurance()).toEqual([raised, raised])
    await ada.browser.submit(await ada.browser.visit('/account/sign-in'), {}, '/account/totp/remove')
    const fallen = ['urn:lanonasis:acr:verified-address', false]
    expect(await assurance()).toEqual([fallen, fallen])
  })

  test('404 for an app of another user', async () => {
    const [ada, eve] = [await signIn(gateway), await signIn(gateway)]
    await enrolTotp(ada)
    await enrolTotp(eve)
    const [row] = await gateway.sql`select id from auth_gateway.totp_authenticators where uai = ${ada.uai}`
    const page = await eve.browser.visit('/account/sign-in')
    expect((await eve.browser.submit(page, { id: row?.id }, '/account/totp/remove')).status).toBe(404)
  })
})

describe('an attacker who reads the mail of a person with an app', () => {
  /** A new sign-in by code alone, as an attacker who reads the mail could do it. */
  const intrude = async (email: string) => {
    await openLimits(gateway)
    return signIn(gateway, email)
  }

  test('adds no address or account, merges none, and takes no way to sign in away', async () => {
    const ada = await signIn(gateway)
    await enrolTotp(ada)
    const eve = await intrude(ada.email)
    for (const path of ['/account/email', '/account/totp', '/account/recovery-codes'])
      expect((await eve.browser.visit(path)).url, path).toContain('/web/step-up')
    const page = await eve.browser.visit('/account/sign-in')
    expect((await eve.browser.submit(page, {}, '/account/totp/remove')).url).toContain('/web/step-up')
    const link = `/v1/auth/oauth?${new URLSearchParams({ provider: 'none', purpose: 'link', redirect_uri: '/account' })}`
    expect((await eve.browser.visit(link)).url).not.toContain('/account/')
  })

  test('cannot add their own app by a merge, from either side', async () => {
    const [victim, attacker] = [await signIn(gateway), await signIn(gateway)]
    await enrolTotp(victim)
    await enrolTotp(attacker)
    const asVictim = await intrude(victim.email)
    const token = async (one: SignedInBrowser) =>
      (await getTokens(gateway, one, { client_id: 'auth-tester', resource: gateway.url })).access_token
    const merge = (survivor: string, retired_token: string) =>
      api(gateway, 'POST', '/v1/auth/identities/merge', { token: survivor, body: { retired_token } })
    const [theirs, own] = [await token(asVictim), await token(attacker)]
    for (const [survivor, retired] of [
      [theirs, own],
      [own, theirs],
    ] as const)
      expect(await merge(survivor, retired)).toMatchObject({ status: 401, body: { code: 'STEP_UP_REQUIRED' } })
    // The attacker is stepped up in their own account, and proves the mailbox of the victim there.
    await openLimits(gateway)
    const { browser } = attacker
    const asked = await browser.submit(await browser.visit('/account/email'), { email: victim.email }, '/account/email')
    const code = gateway.inbox.codeFor(victim.email)
    const refused = await browser.submit(asked, { code }, '/account/email/code')
    expect(refused.html).toContain('is protected by an authenticator app')
    const merged = await gateway.sql`select 1 from auth_gateway.event_store where event_type = 'IdentityMerged'
      and stream_id in (${victim.uai}, ${attacker.uai})`
    expect(merged).toEqual([])
  })

  test('uses up no tries of the recovery codes', async () => {
    const ada = await signIn(gateway)
    await enrolTotp(ada)
    const shown = await ada.browser.submit(await ada.browser.visit('/account/recovery-codes'), {}, '/recovery-codes')
    const [, code = ''] = /<li>([-A-Z2-9]{14})<\/li>/.exec(shown.html) ?? []
    const eve = await intrude(ada.email)
    for (let n = 0; n < 6; n++) await stepUp(eve, '000000')
    for (let n = 0; n < 11; n++) {
      const wrong = { code: 'BBBB-BBBB-BBBB' }
      await eve.browser.submit(await eve.browser.visit('/web/recovery'), wrong, '/web/recovery')
    }
    const used = await ada.browser.submit(await ada.browser.visit('/web/recovery'), { code }, '/web/recovery')
    expect(used).toMatchObject({ status: 200, url: `${gateway.url}/account` })
  })

  test('an operator keeps the last app', async () => {
    const operator = await signInOperator(gateway)
    const page = await operator.browser.visit('/account/sign-in')
    const done = await operator.browser.submit(page, {}, '/account/totp/remove')
    expect(done.html).toContain('Operators need an authenticator app.')
  })

  test('20 enrolments at once with one code: one app, one step-up', async () => {
    const ada = await signIn(gateway)
    const page = await ada.browser.visit('/account/totp')
    const [form] = formsOf(page)
    const code = codeOf(scan(page), 0)
    const cookie = `lanonasis_session=${ada.browser.cookies.get('lanonasis_session')}`
    await Promise.all(
      Array.from({ length: 20 }, () =>
        fetch(`${gateway.url}/account/totp`, {
          method: 'POST',
          body: new URLSearchParams({ ...form?.fields, code }),
          redirect: 'manual',
          headers: { cookie },
        }),
      ),
    )
    const rows = await gateway.sql`select event_type from auth_gateway.event_store where subject = ${ada.uai}
      and event_type in ('TotpEnrolled', 'SessionSteppedUp') order by event_type`
    expect(rows.map((one) => one.event_type)).toEqual(['SessionSteppedUp', 'TotpEnrolled'])
  })
})

/** What a camera sees of the SVG: its path is made of unit squares, each of which begins at a place or relative to the one before. */
function bitmapOf(svg: string): { width: number; height: number; data: Uint8Array } {
  const scale = 6
  const width = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]) * scale
  const data = new Uint8Array(width * width * 4).fill(255)
  let [x, y] = [0, 0]
  for (const [, move, first, second] of svg.matchAll(/(M|m)(-?\d+) ?(-?\d+)/g)) {
    const from = move === 'M' ? [0, 0] : [x, y]
    x = (from[0] ?? 0) + Number(first)
    y = (from[1] ?? 0) + Number(second)
    for (let row = y * scale; row < (y + 1) * scale; row++)
      for (let column = x * scale; column < (x + 1) * scale; column++) {
        const at = (row * width + column) * 4
        data.fill(0, at, at + 3)
      }
  }
  return { width, height: width, data }
}
