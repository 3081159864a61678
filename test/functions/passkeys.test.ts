import { describe, expect, test } from 'vitest'
import { newEmail, useGateway } from '../support/gateway.ts'
import { enrolTotp, giveRole } from '../support/operators.ts'
import { ageStepUp, openLimits } from '../support/rows.ts'
import {
  createBrowser,
  getTokens,
  passSignIn,
  postJson,
  type SignedInBrowser,
  signIn,
  textOf,
} from '../support/sign-in.ts'
import { ceremonyOf, createSoftAuthenticator, type Lies } from '../support/soft-authenticator.ts'

const gateway = useGateway({ host: 'localhost' })

const NEW = '/account/passkeys/new'
type Key = ReturnType<typeof createSoftAuthenticator>
type Owner = SignedInBrowser & { key: Key }

async function register(person: SignedInBrowser, key = createSoftAuthenticator(gateway.url), lies: Lies = {}) {
  const page = await person.browser.visit(NEW)
  return person.browser.submit(page, { credential: key.create(ceremonyOf(page), lies) }, NEW)
}

async function withPasskey(): Promise<Owner> {
  const person = await signIn(gateway)
  const key = createSoftAuthenticator(gateway.url)
  const done = await register(person, key)
  expect(textOf(done)).toContain('The passkey was added.')
  return { ...person, key }
}

const loginPage = (browser = createBrowser(gateway)) => browser.visit('/web/login?return_to=/account')

async function signInBy({ key }: Owner, lies: Lies = {}) {
  const browser = createBrowser(gateway)
  const page = await loginPage(browser)
  return browser.submit(page, { credential: key.get(ceremonyOf(page), lies) }, '/web/passkey')
}

const sessionsOf = async (uai: string) =>
  (await gateway.sql`select id from auth_gateway.sessions where uai = ${uai} and method = 'passkey'`).length

describe('a sign-in with a passkey', () => {
  test('303: starts a session', async () => {
    const ada = await withPasskey()
    const page = await signInBy(ada)
    expect([page.status, new URL(page.url).pathname]).toEqual([200, '/account'])
    expect(await sessionsOf(ada.uai)).toBe(1)
  })

  test.each<[string, Lies]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['a person who was not verified', { flags: 0x01 }],
    ['no one present', { flags: 0x00 }],
    ['the handle of another account', { userHandle: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    ['no handle', { userHandle: '' }],
    ['another backup eligibility', { flags: 0x0d }],
  ])('400 PASSKEY_INVALID: %s', async (_, lies) => {
    const ada = await withPasskey()
    const page = await signInBy(ada, lies)
    expect([page.status, textOf(page).includes('could not be verified')]).toEqual([400, true])
    expect(await sessionsOf(ada.uai)).toBe(0)
  })

  test('400 PASSKEY_INVALID: a removed passkey, and malformed text', async () => {
    const ada = await withPasskey()
    await ada.browser.submit(await ada.browser.visit('/account/sign-in'), {}, '/account/passkeys/remove')
    expect((await signInBy(ada)).status).toBe(400)
    const browser = createBrowser(gateway)
    const page = await browser.submit(await loginPage(browser), { credential: '{"id":1}' }, '/web/passkey')
    expect([page.status, textOf(page).includes('could not be verified')]).toEqual([400, true])
  })

  test('400 PASSKEY_EXPIRED: a challenge of another browser, of another purpose, and one used before', async () => {
    const ada = await withPasskey()
    const browser = createBrowser(gateway)
    const page = await loginPage(browser)
    const mine = ceremonyOf(page)
    const theirs = ceremonyOf(await loginPage())
    await ageStepUp(gateway, ada.uai, 901)
    const stepUp = ceremonyOf(await ada.browser.visit('/web/step-up'))
    for (const challenge of [theirs.challenge, stepUp.challenge]) {
      const credential = ada.key.get({ ...mine, challenge })
      const refused = await browser.submit(page, { credential }, '/web/passkey')
      expect([refused.status, textOf(refused).includes('has expired or was used before')]).toEqual([400, true])
    }
    const again = ada.key.get(mine)
    expect((await browser.submit(page, { credential: again }, '/web/passkey')).status).toBe(200)
    const replayed = { credential: again, return_to: '/account?again' }
    expect((await browser.submit(page, replayed, '/web/passkey')).status).toBe(400)
    expect(await sessionsOf(ada.uai)).toBe(1)
  })

  test('20 at once: one session', async () => {
    const ada = await withPasskey()
    const browser = createBrowser(gateway)
    const page = await loginPage(browser)
    const credential = ada.key.get(ceremonyOf(page))
    const attempts = Array.from({ length: 20 }, (_, n) =>
      browser.tab().submit(page, { credential, return_to: `/account?n=${n}` }, '/web/passkey'),
    )
    const statuses = (await Promise.all(attempts)).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 19 }, () => 400)])
    expect(await sessionsOf(ada.uai)).toBe(1)
  })

  test('403 PASSKEY_CLONED: a count that does not increase, reported once, and the passkey refused from then on', async () => {
    const ada = await signIn(gateway)
    const key = createSoftAuthenticator(gateway.url)
    await register(ada, key, { signCount: 7 })
    const owner = { ...ada, key }
    expect((await signInBy(owner, { signCount: 7 })).status).toBe(403)
    expect((await signInBy(owner, { signCount: 9 })).status).toBe(403)
    const events = await gateway.sql`
      select data from auth_gateway.event_store where event_type = 'PasskeyCounterRegressed' and subject = ${ada.uai}`
    expect(events.map(({ data }) => data)).toEqual([{ purpose: 'sign_in', signCount: 7, presented: 7 }])
  })
})

describe('a registration', () => {
  test.each<[string, Lies]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['a person who was not verified', { flags: 0x01 }],
  ])('400 PASSKEY_INVALID: %s', async (_, lies) => {
    const page = await register(await signIn(gateway), undefined, lies)
    expect([page.status, textOf(page).includes('could not be verified')]).toEqual([400, true])
  })

  test('409 PASSKEY_KNOWN: the credential of another person', async () => {
    const ada = await withPasskey()
    expect((await register(await signIn(gateway), ada.key)).status).toBe(409)
  })

  test('stores the credential sealed; an erasure leaves no digest', async () => {
    const ada = await withPasskey()
    const digest = gateway.gateway.personal.digest(ada.key.credentialId)
    const count = async () => {
      const [row] = await gateway.sql`select
        (select count(*) from auth_gateway.passkeys where digest = ${digest})::int as passkeys,
        (select count(*) from auth_gateway.lookup_digests where digest = ${digest})::int as digests`
      return row
    }
    expect(await count()).toEqual({ passkeys: 1, digests: 1 })
    const [event] = await gateway.sql`
      select data::text as data from auth_gateway.event_store where stream_type = 'passkey' and subject = ${ada.uai}`
    expect(event?.data).not.toContain(ada.key.credentialId)
    const page = await ada.browser.visit('/account/erase')
    await ada.browser.submit(page, { word: 'delete' }, '/account/erase')
    expect(await count()).toEqual({ passkeys: 0, digests: 0 })
    expect((await signInBy(ada)).status).toBe(400)
  })
})

test('a person with a passkey needs it to change sign-in methods', async () => {
  const ada = await withPasskey()
  await ageStepUp(gateway, ada.uai, 901)
  const page = await ada.browser.visit('/account/email')
  expect(new URL(page.url).pathname).toBe('/web/step-up')
  const credential = ada.key.get(ceremonyOf(page))
  const back = await ada.browser.submit(page, { credential }, '/web/step-up/passkey')
  expect([back.status, new URL(back.url).pathname]).toEqual([200, '/account/email'])
})

test('a person who lost their only passkey signs in by code and removes it with a recovery code', async () => {
  const ada = await withPasskey()
  const made = await ada.browser.submit(
    await ada.browser.visit('/account/recovery-codes'),
    {},
    '/account/recovery-codes',
  )
  const code = /([A-Z2-9]{4}-){2}[A-Z2-9]{4}/.exec(textOf(made))?.[0] ?? ''
  await openLimits(gateway)
  const browser = createBrowser(gateway)
  const login = await browser.visit('/web/login?return_to=%2Faccount')
  const asked = await passSignIn(gateway, browser, login, ada.email)
  expect(new URL(asked.url).pathname).toBe('/web/second-factor')
  await browser.submit(asked, { code }, '/web/second-factor')
  const done = await browser.submit(await browser.visit('/account/sign-in'), {}, '/account/passkeys/remove')
  expect(textOf(done)).toContain('The passkey was removed.')
  expect((await signInBy(ada)).status).toBe(400)
})

test('a person who has only a passkey keeps it, and can sign in', async () => {
  const ada = await withPasskey()
  await gateway.sql`delete from auth_gateway.credentials where uai = ${ada.uai}`
  const account = await ada.browser.visit('/account/sign-in')
  const done = await ada.browser.submit(account, {}, '/account/passkeys/remove')
  expect(textOf(done)).not.toContain('The passkey was removed.')
  const second = createSoftAuthenticator(gateway.url)
  await register(ada, second)
  await ada.browser.submit(await ada.browser.visit('/account/sign-in'), {}, '/account/passkeys/remove')
  const left = await gateway.sql`select from auth_gateway.passkeys where uai = ${ada.uai} and sealed is not null`
  expect(left).toHaveLength(1)
  expect((await signInBy({ ...ada, key: second })).status).toBe(200)
})

test('a platform operator needs a passkey, and keeps the last one', async () => {
  const person = await signIn(gateway)
  await giveRole(gateway, person.uai, 'platform_admin')
  await enrolTotp(person)
  const page = await person.browser.visit('/admin')
  expect(new URL(page.url).pathname).toBe(NEW)
  const key = createSoftAuthenticator(gateway.url)
  const back = await person.browser.submit(page, { credential: key.create(ceremonyOf(page)) }, NEW)
  expect([back.status, new URL(back.url).pathname]).toEqual([200, '/admin'])
  const account = await person.browser.visit('/account/sign-in')
  expect(textOf(await person.browser.submit(account, {}, '/account/passkeys/remove'))).toContain(
    'Operators need a passkey',
  )
})

describe('the ceremonies for apps', () => {
  const API = '/v1/auth/passkeys'
  const begin = async () => (await postJson(gateway, `${API}/authentication/options`, {})).body
  const finish = (ceremony: string, credential: string) =>
    postJson(gateway, `${API}/authentication/verify`, { ceremony, credential: JSON.parse(credential) })

  test('200: tokens; 400 PASSKEY_EXPIRED: in another ceremony', async () => {
    const ada = await withPasskey()
    const [mine, other] = [await begin(), await begin()]
    const credential = ada.key.get(mine.publicKey)
    expect(await finish(other.ceremony, credential)).toMatchObject({ status: 400, body: { code: 'PASSKEY_EXPIRED' } })
    const { status, body } = await finish(mine.ceremony, credential)
    expect([status, body.auth_method, body.user.email]).toEqual([200, 'passkey', ada.email])
  })

  test('201: registers a passkey with a token for the gateway alone; 401 with one for other resources too', async () => {
    const ada = await withPasskey()
    const shared = await getTokens(gateway, ada)
    const own = await getTokens(gateway, ada, { resource: gateway.url })
    const bearer = ({ access_token }: { access_token: string }) => ({ authorization: `Bearer ${access_token}` })
    expect((await postJson(gateway, `${API}/registration/options`, {}, bearer(shared))).status).toBe(401)
    const { status, body } = await postJson(gateway, `${API}/registration/options`, {}, bearer(own))
    expect(status, JSON.stringify(body)).toBe(200)
    const credential = JSON.parse(createSoftAuthenticator(gateway.url).create(body.publicKey))
    const made = await postJson(gateway, `${API}/registration/verify`, { credential }, bearer(own))
    expect([made.status, made.body.name]).toEqual([201, 'Passkey'])
    const again = await postJson(gateway, `${API}/registration/verify`, { credential }, bearer(own))
    expect([again.status, again.body.code]).toEqual([400, 'PASSKEY_EXPIRED'])
  })

  test('20 at once: one pair of tokens', async () => {
    const ada = await withPasskey()
    const { ceremony, publicKey } = await begin()
    const credential = ada.key.get(publicKey)
    const answers = await Promise.all(Array.from({ length: 20 }, () => finish(ceremony, credential)))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 19 }, () => 400)])
  })
})

test('a passkey is offered after a code on a device that can keep one, until the person declines for good', async () => {
  const email = newEmail()
  const offer = async () => {
    await openLimits(gateway)
    const browser = createBrowser(gateway)
    const asked = await browser.submit(await loginPage(browser), { email }, '/web/login')
    const code = gateway.inbox.codeFor(email)
    return { browser, page: await browser.submit(asked, { code, passkeys: '1' }, '/web/code') }
  }
  const { browser, page } = await offer()
  expect(new URL(page.url).pathname).toBe('/account/passkeys/offer')
  const declined = await browser.submit(page, {}, '/account/passkeys/decline')
  expect([declined.status, new URL(declined.url).pathname]).toEqual([200, '/account'])
  expect(new URL((await offer()).page.url).pathname).toBe('/account')
})

test('the well-known documents name the origins and the pages', async () => {
  const read = async (name: string) => (await fetch(`${gateway.url}/.well-known/${name}`)).json()
  expect(await read('webauthn')).toEqual({ origins: [] })
  expect(await read('passkey-endpoints')).toEqual({
    enroll: `${gateway.url}/account/passkeys/new`,
    manage: `${gateway.url}/account/sign-in#passkeys`,
  })
})
