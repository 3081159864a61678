import { decodeJwt } from 'jose'
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { api, type Body } from '../support/api-keys.ts'
import { connect } from '../support/connections.ts'
import { addClient, eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import { ageSessions, ageTokens, openLimits } from '../support/rows.ts'
import { getTokens, NATIVE, post, postJson, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway({ countStatements: true })
let service: string
beforeAll(async () => {
  service = await tokenOf('crm', 'identities:read identities:link identities:merge')
})
beforeEach(() => openLimits(gateway))

/** A token of a service that an operator registered with these scopes. */
async function tokenOf(clientId: string, scope: string): Promise<string> {
  const made = await addClient(gateway, clientId, {
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope,
    default_scope: scope,
  })
  const authorization = `Basic ${Buffer.from(`${clientId}:${encodeURIComponent(made.client_secret)}`).toString('base64')}`
  const fields = { grant_type: 'client_credentials', scope, resource: gateway.url }
  const { body } = await post(gateway, '/oauth/token', fields, { authorization })
  return body.access_token
}

const call = (path: string, body: object, token = service) => api(gateway, 'POST', path, { body, token })
const map = (body: object, token = service) => call('/v1/auth/identities', { provider: 'stripe', ...body }, token)
const cookie = ({ browser }: SignedInBrowser) => ({
  cookie: `lanonasis_session=${browser.cookies.get('lanonasis_session')}`,
})

/** A token for the gateway alone, of a sign-in in an application of ours. */
async function pairOf(email = newEmail()): Promise<{ email: string; token: string; uai: string; refresh: string }> {
  const person = await signIn(gateway, email)
  const { access_token, refresh_token } = await getTokens(gateway, person, { resource: gateway.url })
  return { email, token: access_token, uai: person.uai, refresh: refresh_token }
}
const merge = (survivor: string, retired_token: string) =>
  api(gateway, 'POST', '/v1/auth/identities/merge', { token: survivor, body: { retired_token } })

describe('a vendor’s account', () => {
  test('201 becomes a new identity, 200 the same one ever after, found alone and in bulk', async () => {
    const made = await map({ external_id: 'cus_1', email: newEmail('vendor'), name: 'Ada' })
    expect(made).toMatchObject({ status: 201, body: { success: true, created: true, linked: true } })
    expect(await map({ external_id: 'cus_1' })).toMatchObject({
      status: 200,
      body: { uai: made.body.uai, created: false },
    })
    const found = await call('/v1/auth/resolve/external', { provider: 'Stripe', external_id: 'cus_1' })
    expect(found.body).toEqual({ success: true, uai: made.body.uai, authId: made.body.uai })
    const bulk = await call('/v1/auth/resolve/bulk', {
      items: [
        { provider: 'stripe', external_id: 'cus_1' },
        { provider: 'stripe', external_id: 'nobody' },
        { uai: made.body.uai },
      ],
    })
    expect(bulk.body.results.map((one: Body) => one.resolved_uai)).toEqual([made.body.uai, null, made.body.uai])
    const [, linked] = await eventsOf(gateway, 'identity', made.body.uai)
    expect(linked).toMatchObject({ data: { provider: 'stripe', evidence: { method: 'service', assertedBy: 'crm' } } })
    const log = JSON.stringify(
      await gateway.sql`select * from auth_gateway.event_store where subject = ${made.body.uai}`,
    )
    expect(log).not.toContain('cus_1')
  })

  test('one statement and no write for a bulk look-up of 100', async () => {
    const items = Array.from({ length: 100 }, (_, n) => ({ provider: 'stripe', external_id: `many-${n}` }))
    await call('/v1/auth/resolve/bulk', { items })
    gateway.takeStatements()
    expect((await call('/v1/auth/resolve/bulk', { items })).status).toBe(200)
    // One to check the service's token, one to look all up.
    expect(gateway.takeStatements()).toBe(2)
    expect((await call('/v1/auth/resolve/bulk', { items: [...items, items[0]] })).status).toBe(400)
    expect((await call('/v1/auth/resolve/bulk', { items: [] })).status).toBe(400)
  })

  test('409 for an account of a provider that people sign in with: a service cannot assign it', async () => {
    await connect(gateway, { slug: 'acme', issuer: 'https://login.acme.example', client_id: 'x' }, 'secret')
    const ada = await pairOf()
    for (const provider of ['acme', 'ACME', 'supabase'])
      expect(await map({ provider, external_id: 'victim', subject_token: ada.token })).toMatchObject({
        status: 409,
        body: { code: 'PROVIDER_RESERVED' },
      })
  })

  test('409 when its address is taken: with a token of the person it is linked to them, without it is not', async () => {
    const ada = await pairOf()
    const refused = await map({ external_id: 'cus_2', email: ada.email.toUpperCase() })
    expect(refused).toMatchObject({ status: 409, body: { code: 'PROOF_NEEDED', needed: ['subject_token'] } })
    const linked = await map({ external_id: 'cus_2', email: ada.email, subject_token: ada.token })
    expect(linked).toMatchObject({ status: 200, body: { uai: ada.uai, created: false, linked: true } })
    const grace = await pairOf()
    const taken = await map({ external_id: 'cus_2', subject_token: grace.token })
    expect(taken).toMatchObject({ status: 409, body: { code: 'CREDENTIAL_TAKEN', needed: ['merge'] } })
  })

  test('20 at once become one identity', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => map({ external_id: 'cus_race' })))
    expect(new Set(answers.map(({ body }) => body.uai)).size).toBe(1)
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  })

  test('is unlinked by the service that asserted it and by its person, never by another service, and never as the last', async () => {
    const ada = await pairOf()
    await map({ external_id: 'cus_3', subject_token: ada.token })
    const view = () => api(gateway, 'GET', `/v1/auth/identities/${ada.uai}`, { token: service })
    const { credentials } = (await view()).body
    const [mailbox, vendor] = credentials
    expect(vendor).toMatchObject({ kind: 'external', provider: 'stripe' })
    expect(vendor.address).toBeUndefined()
    const other = await tokenOf('other-service', 'identities:link')
    const remove = (id: string, token: string) =>
      api(gateway, 'DELETE', `/v1/auth/identities/${ada.uai}/credentials/${id}`, { token })
    expect((await remove(vendor.id, other)).status).toBe(404)
    expect((await remove(mailbox.id, service)).status).toBe(404)
    expect((await remove(vendor.id, service)).status).toBe(200)
    expect((await remove(mailbox.id, ada.token)).body).toMatchObject({ code: 'LAST_CREDENTIAL' })
    expect((await map({ external_id: 'cus_3' })).body.created).toBe(true)
  })

  test('401 without a credential, 403 for a person, a service without the scope, and a token for another resource', async () => {
    const ada = await pairOf()
    const asked = { provider: 'stripe', external_id: 'cus_1' }
    expect((await api(gateway, 'POST', '/v1/auth/resolve/external', { body: asked })).status).toBe(401)
    expect((await call('/v1/auth/resolve/external', asked, ada.token)).status).toBe(403)
    const narrow = await tokenOf('narrow', 'memories:read')
    expect((await call('/v1/auth/resolve/external', asked, narrow)).status).toBe(403)
    expect((await map({ external_id: 'x' }, narrow)).status).toBe(403)
    for (const body of [
      {},
      { external_id: '' },
      { external_id: 'x', provider: 'a\nb' },
      { external_id: 'x', email: 'no' },
    ])
      expect((await map(body)).status).toBe(400)
  })
})

describe('a merge', () => {
  test('makes one person of two: both UAIs, every session, key, token and account lead to the survivor; a split restores it all', async () => {
    const ada = await pairOf()
    const gone = await pairOf()
    await map({ external_id: `cus_${gone.uai}`, subject_token: gone.token })
    const browser = await signInAgain(gone.email)
    const key = await api(gateway, 'POST', '/api/v1/api-keys', {
      headers: cookie(browser),
      body: { name: 'old key', scopes: ['memories:read'] },
    })
    const project = await api(gateway, 'POST', '/api/v1/projects', { token: gone.token, body: { name: 'old project' } })
    expect(project.status).toBe(201)

    const merged = await merge(ada.token, gone.token)
    expect(merged.body).toEqual({ success: true, uai: ada.uai, merged_uai: gone.uai })
    for (const email of [ada.email, gone.email])
      await expect
        .poll(() => gateway.inbox.sent.some(({ to, body }) => to === email && body.kind === 'identities_merged'))
        .toBe(true)

    const resolved = await call('/v1/auth/resolve/bulk', {
      items: [{ uai: gone.uai }, { provider: 'stripe', external_id: `cus_${gone.uai}` }],
    })
    expect(resolved.body.results.map((one: Body) => one.resolved_uai)).toEqual([ada.uai, ada.uai])
    const me = (options: object) => api(gateway, 'GET', '/v1/auth/me', options)
    expect((await me({ token: gone.token })).body.id).toBe(ada.uai)
    expect((await me({ headers: cookie(browser) })).body).toMatchObject({ id: ada.uai, email: ada.email })
    expect((await me({ key: key.body.data.key })).body.id).toBe(ada.uai)
    const verified = await postJson(gateway, '/v1/auth/verify-token', { token: gone.token })
    expect(verified.body).toMatchObject({ valid: true, user: { id: ada.uai } })
    expect((await api(gateway, 'GET', `/v1/auth/resolve?uai=${gone.uai}`, { token: gone.token })).body.authId).toBe(
      ada.uai,
    )
    const keys = await api(gateway, 'GET', '/api/v1/api-keys', { token: ada.token })
    expect(keys.body.data.map((one: Body) => one.name)).toContain('old key')
    const projects = await api(gateway, 'GET', '/api/v1/projects', { token: ada.token })
    expect(projects.body.map((one: Body) => one.name)).toContain('old project')
    const changed = await api(gateway, 'PUT', `/api/v1/projects/${project.body.id}`, {
      token: ada.token,
      body: { name: 'new name' },
    })
    expect(changed.status).toBe(200)
    const renewal = { grant_type: 'refresh_token', client_id: NATIVE.client_id, refresh_token: gone.refresh }
    const refreshed = await post(gateway, '/oauth/token', renewal)
    expect(decodeJwt(refreshed.body.access_token).sub).toBe(ada.uai)
    expect((await signInAgain(gone.email)).uai).toBe(ada.uai)
    const sessions = await api(gateway, 'GET', '/v1/auth/sessions', { token: ada.token })
    expect(sessions.body.sessions.length).toBeGreaterThanOrEqual(4)
    const ofBrowser = sessions.body.sessions.find((one: Body) => one.platform === 'web')
    expect((await api(gateway, 'DELETE', `/v1/auth/sessions/${ofBrowser.id}`, { token: ada.token })).status).toBe(200)

    const undone = await api(gateway, 'POST', '/v1/auth/identities/split', { token: service, body: { uai: gone.uai } })
    expect(undone.status).toBe(200)
    expect((await me({ token: gone.token })).body.id).toBe(gone.uai)
    expect((await me({ key: key.body.data.key })).body.id).toBe(gone.uai)
    expect((await me({ token: ada.token })).body.id).toBe(ada.uai)
    expect((await api(gateway, 'GET', '/api/v1/api-keys', { token: ada.token })).body.data).toEqual([])
    const provenance = await api(gateway, 'GET', '/v1/auth/identities/me/provenance', { token: gone.token })
    expect(provenance.body.events.map((one: Body) => one.event_type)).toEqual([
      ...['IdentityCreated', 'CredentialLinked', 'CredentialLinked', 'IdentityMerged', 'IdentitySplit'],
    ])
    expect(provenance.body.events[3]).toMatchObject({ data: { into: ada.uai, evidence: { method: 'both_signed_in' } } })
  })

  async function signInAgain(email: string) {
    await openLimits(gateway)
    return signIn(gateway, email)
  }

  test('needs a recent sign-in of both, in an application of ours; of 20 at once one happens', async () => {
    const [ada, gone] = [await pairOf(), await pairOf()]
    expect((await merge(ada.token, 'junk')).status).toBe(401)
    expect((await merge(ada.token, ada.token)).body).toMatchObject({ code: 'MERGE_IMPOSSIBLE' })
    const stranger = await addClient(gateway, 'stranger', { token_endpoint_auth_method: 'none' })
    const third = await getTokens(gateway, await signIn(gateway), {
      ...stranger,
      client_secret: undefined,
      scope: 'openid',
    })
    expect((await merge(ada.token, third.access_token)).status).toBe(401)
    const old = await pairOf()
    await ageSessions(gateway, old.uai, 3600)
    await ageTokens(gateway, old.uai, 16 * 60)
    expect((await merge(ada.token, old.token)).body).toMatchObject({ code: 'STEP_UP_REQUIRED' })
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? merge(ada.token, gone.token) : merge(gone.token, ada.token))),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const events =
      await gateway.sql`select event_type from auth_gateway.event_store where stream_id in (${ada.uai}, ${gone.uai}) and event_type like 'Identity%ed'`
    expect(events.filter((one) => one.event_type === 'IdentityMerged')).toHaveLength(1)
  })

  test('404 for the UAI of another person, and 409 for one that was never merged', async () => {
    const [ada, grace] = [await pairOf(), await pairOf()]
    const split = (uai: string, token: string) =>
      api(gateway, 'POST', '/v1/auth/identities/split', { token, body: { uai } })
    expect((await split(grace.uai, ada.token)).status).toBe(404)
    expect((await split(ada.uai, ada.token)).body).toMatchObject({ code: 'NOT_MERGED' })
    expect((await api(gateway, 'GET', `/v1/auth/identities/${grace.uai}`, { token: ada.token })).status).toBe(404)
    expect(
      (await api(gateway, 'GET', `/v1/auth/identities/${grace.uai}/provenance`, { token: ada.token })).status,
    ).toBe(404)
  })

  test('resolve stays one statement with merged identities', async () => {
    const [ada, gone] = [await pairOf(), await pairOf()]
    const browser = await signInAgain(gone.email)
    await merge(ada.token, gone.token)
    const resolve = () => api(gateway, 'GET', '/v1/auth/resolve', { headers: cookie(browser) })
    await resolve()
    await vi.waitFor(async () => {
      const [row] = await gateway.sql`
        select count(*) filter (where template = 'notice.identities_merged')::int as merged, bool_and(status = 'accepted') as accepted
        from auth_gateway.messages where uai in (${ada.uai}, ${gone.uai})`
      expect(row).toEqual({ merged: 2, accepted: true })
    })
    gateway.takeStatements()
    expect((await resolve()).body.authId).toBe(ada.uai)
    expect(gateway.takeStatements()).toBe(1)
  })
})

describe('the account page', () => {
  test('adds an address by its code, merges the account that it has, and undoes that again', async () => {
    const ada = await signIn(gateway)
    const fresh = newEmail('fresh')
    const other = await pairOf()
    for (const [email, done] of [
      [fresh, 'added'],
      [fresh, 'own'],
      [other.email, 'merged'],
    ] as const) {
      await openLimits(gateway)
      const asked = await ada.browser.submit(await ada.browser.visit('/account/email'), { email }, '/account/email')
      const page = await ada.browser.submit(asked, { code: gateway.inbox.codeFor(email) }, '/account/email/code')
      expect(page.url).toContain(`done=${done}`)
    }
    expect((await signIn(gateway, await resetAnd(fresh))).uai).toBe(ada.uai)
    expect((await signIn(gateway, await resetAnd(other.email))).uai).toBe(ada.uai)
    const account = await ada.browser.visit('/account')
    expect(account.html).toContain(other.uai)
    const undone = await ada.browser.submit(account, {}, '/account/split')
    expect(undone.url).toContain('done=split')
    expect((await signIn(gateway, await resetAnd(other.email))).uai).toBe(other.uai)
  })

  test('an account of a vendor is no sign-in method: the address next to it stays', async () => {
    const ada = await pairOf()
    await map({ external_id: 'cus_only', subject_token: ada.token })
    const view = await api(gateway, 'GET', '/v1/auth/identities/me', { token: ada.token })
    const [mailbox, vendor] = view.body.credentials
    expect([mailbox.usable, vendor.usable]).toEqual([true, false])
    const remove = (id: string) =>
      api(gateway, 'DELETE', `/v1/auth/identities/me/credentials/${id}`, { token: ada.token })
    expect((await remove(mailbox.id)).body).toMatchObject({ code: 'LAST_CREDENTIAL' })
    expect((await remove(vendor.id)).status).toBe(200)
  })

  test('sign-in methods change only after a recent sign-in, and the person is notified by mail', async () => {
    const ada = await signIn(gateway)
    const fresh = newEmail('fresh')
    await openLimits(gateway)
    const asked = await ada.browser.submit(
      await ada.browser.visit('/account/email'),
      { email: fresh },
      '/account/email',
    )
    await ada.browser.submit(asked, { code: gateway.inbox.codeFor(fresh) }, '/account/email/code')
    const notified = (kind: string) =>
      gateway.inbox.sent.some(
        ({ to, body }) => to === ada.email && body.kind === kind && body.key_preview === 'f•••@example.com',
      )
    await expect.poll(() => notified('sign_in_method_added')).toBe(true)
    const account = await ada.browser.visit('/account/sign-in')
    await ageSessions(gateway, ada.uai, 16 * 60)
    for (const path of ['/account/email', '/account/phone'])
      expect((await ada.browser.visit(path)).url).toContain('/web/login?prompt=login')
    const [, second] = await gateway.sql`
      select id from auth_gateway.credentials where uai = ${ada.uai} order by linked_at`
    const removed = await ada.browser.submit(account, { id: second?.id }, '/sign-in-methods/remove')
    expect(removed.url).toContain('/web/login?prompt=login')
    const old = { headers: cookie(ada) }
    const remove = await api(gateway, 'DELETE', `/v1/auth/identities/me/credentials/${second?.id}`, old)
    expect([remove.status, remove.body.code]).toEqual([401, 'STEP_UP_REQUIRED'])
    await gateway.sql`update auth_gateway.sessions set started_at = now() where uai = ${ada.uai}`
    const done = await ada.browser.submit(
      await ada.browser.visit('/account/sign-in'),
      { id: second?.id },
      '/sign-in-methods/remove',
    )
    expect(done.url).toContain('done=removed')
    await expect.poll(() => notified('sign_in_method_removed')).toBe(true)
  })

  test('of the last two ways to sign in one stays, also when both go at once from identities that were merged', async () => {
    const ada = await pairOf()
    const other = await pairOf()
    expect((await merge(ada.token, other.token)).status).toBe(200)
    const view = await api(gateway, 'GET', '/v1/auth/identities/me', { token: ada.token })
    const ids = view.body.credentials.map((one: Body) => one.id)
    expect(ids).toHaveLength(2)
    const answers = await Promise.all(
      ids.flatMap((id: string) =>
        Array.from({ length: 5 }, () =>
          api(gateway, 'DELETE', `/v1/auth/identities/me/credentials/${id}`, { token: ada.token }),
        ),
      ),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const left = await api(gateway, 'GET', '/v1/auth/identities/me', { token: ada.token })
    expect(left.body.credentials).toHaveLength(1)
    const split = await call('/v1/auth/identities/split', { uai: other.uai })
    expect(split).toMatchObject({ status: 409, body: { code: 'LAST_CREDENTIAL' } })
  })

  async function resetAnd(email: string): Promise<string> {
    await openLimits(gateway)
    return email
  }

  test('removes a way to sign in but never the last, and refuses what is not its own', async () => {
    const ada = await signIn(gateway)
    const page = await ada.browser.visit('/account/sign-in')
    expect(page.html).not.toContain('sign-in-methods/remove')
    const fields = Object.fromEntries(
      [...page.html.matchAll(/name="(csrf)" value="([^"]+)"/g)].map(([, name, value]) => [name, value]),
    )
    const session = await ada.browser.visit('/account/email')
    const form = [...session.html.matchAll(/name="(csrf)" value="([^"]+)"/g)].map(([, name, value]) => [name, value])
    const grace = await signIn(gateway)
    const [credential] = await gateway.sql`select id from auth_gateway.credentials where uai = ${grace.uai}`
    const body = new URLSearchParams({ ...fields, ...Object.fromEntries(form), id: credential?.id })
    expect((await ada.browser.visit('/account/sign-in-methods/remove', { method: 'POST', body })).status).toBe(404)
    expect(
      (
        await ada.browser.visit('/account/split', {
          method: 'POST',
          body: new URLSearchParams({ ...Object.fromEntries(form), uai: grace.uai }),
        })
      ).status,
    ).toBe(404)
  })

  test('ends other sessions, one or all', async () => {
    const email = newEmail()
    const ada = await signIn(gateway, email)
    const others = [await signIn(gateway, await resetAnd(email)), await signIn(gateway, await resetAnd(email))]
    const page = await ada.browser.visit('/account/devices')
    expect((page.html.match(/sessions\/end/g) ?? []).length).toBe(3)
    await ada.browser.submit(page, { which: 'others' }, '/account/sessions/end')
    for (const one of others) expect((await one.browser.visit('/account')).url).toContain('/web/login')
    expect((await ada.browser.visit('/account')).status).toBe(200)
  })
})
