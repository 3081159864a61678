import { readFileSync } from 'node:fs'
import { createClient } from '@supabase/supabase-js'
import { decodeJwt, type JSONWebKeySet } from 'jose'
import postgres from 'postgres'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resources } from '../../scripts/resources.ts'
import { createCall } from '../../shared/call.ts'
import { identity, linkCredential } from '../../shared/domain/identity.ts'
import { commit } from '../../shared/events/commit.ts'
import { listResources } from '../../shared/queries/authorizations.ts'
import { call } from '../scripts/terminal.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { giveRole } from '../support/operators.ts'
import { startPostgrest } from '../support/postgrest.ts'
import { authorizeParams, getTokens, newVerifier, post, type SignedInBrowser, signIn } from '../support/sign-in.ts'
import { withClockAhead } from '../support/time.ts'

type Project = { id: string; issuer: string; api: Awaited<ReturnType<typeof startPostgrest>> }

const A = 'https://aaaa.supabase.co'
const B = 'https://bbbb.supabase.co'
const APP = { client_id: 'notes-app', redirect_uri: 'https://notes.example/callback' }
const gateway = useGateway()
const project: Record<string, Project> = {}
let database: TestDatabase
let owner: postgres.Sql

/** What a Supabase project's database has before its developer begins. */
const SUPABASE = `
  create schema auth;
  create function auth.jwt() returns jsonb language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim', true), ''), nullif(current_setting('request.jwt.claims', true), ''))::jsonb $$;
  create function auth.uid() returns uuid language sql stable as $$ select (auth.jwt()->>'sub')::uuid $$;
  grant usage on schema auth, public to anon, authenticated`

const operate = (...args: string[]) =>
  call(resources, { ...process.env, DATABASE_MIGRATION_URL: gateway.database.ownerUrl }, ...args)
const keySetOf = async (url: string): Promise<JSONWebKeySet> => (await fetch(url)).json()

beforeAll(async () => {
  database = await createEmptyDatabase()
  owner = postgres(database.superuserUrl, { max: 1, onnotice: () => {} })
  for (const role of ['anon', 'authenticated', 'service_role'])
    await owner.unsafe(`do $$ begin create role ${role} nologin; exception when others then null; end $$`)
  await owner.unsafe(SUPABASE)
  const guide = readFileSync(new URL('../../docs/guides/supabase.md', import.meta.url), 'utf8')
  await owner.unsafe(/```sql\n([\s\S]*?)```/.exec(guide)?.[1] ?? '')
  for (const address of [A, B]) {
    const added = await operate('add', address, '--supabase', '--accounts', 'Project-A')
    expect(added.exitCode).toBe(0)
    const id = (await listResources(gateway.gateway.reads)).find((one) => one.identifier === address)?.id ?? ''
    const issuer = `${gateway.url}/supabase/${id}`
    const metadata = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as Project &
      Record<string, string>
    expect(metadata.issuer).toBe(issuer)
    const api = await startPostgrest(database.superuserUrl, await keySetOf(metadata.jwks_uri ?? ''))
    project[address] = { id, issuer, api }
  }
  await addClient(gateway, APP.client_id, {
    redirect_uris: [APP.redirect_uri],
    token_endpoint_auth_method: 'none',
    scope: 'openid profile email phone memories:read',
  })
})
afterAll(async () => {
  for (const { api } of Object.values(project)) await api.stop()
  await owner?.end()
  await database?.drop()
})

const at = (address: string): Project => {
  const found = project[address]
  if (!found) throw new Error(`no project ${address}`)
  return found
}
const tokensFor = (person: SignedInBrowser, resource = A, scope = 'openid') =>
  getTokens(gateway, person, { ...APP, scope, resource })
const tableOf = (address: string, token?: string) =>
  createClient(at(address).api.url, 'publishable', token ? { accessToken: async () => token } : {}).from('notes')

test('200: row level security gives people their own rows, and no one else any', async () => {
  const [ada, bob] = [await signIn(gateway), await signIn(gateway)]
  const { access_token: token } = await tokensFor(ada)
  const written = await tableOf(A, token).insert({ content: 'of Ada' }).select()
  expect(written.data).toMatchObject([{ owner: ada.uai, content: 'of Ada' }])
  expect((await tableOf(A, token).select()).data).toMatchObject([{ content: 'of Ada' }])
  expect((await tableOf(A, (await tokensFor(bob)).access_token).select()).data).toEqual([])
  // Without a token the client sends its key, which the gateway of Supabase resolves to `anon`.
  const anonymous = await fetch(`${at(A).api.url}/rest/v1/notes`)
  expect([anonymous.status, await anonymous.json()]).toMatchObject([403, { code: '42501' }])
})

test('401: a token of one project at another, an ID token and an ordinary access token at both', async () => {
  const person = await signIn(gateway)
  const forA = await tokensFor(person)
  const ordinary = await getTokens(gateway, person, APP)
  const presented: [string, string][] = [
    [B, forA.access_token],
    [A, (await tokensFor(person, B)).access_token],
    ...[A, B].flatMap((address): [string, string][] => [
      [address, forA.id_token ?? ''],
      [address, ordinary.access_token],
      [address, ordinary.id_token ?? ''],
    ]),
  ]
  for (const [address, token] of presented) {
    expect(token.split('.')).toHaveLength(3)
    const { error, status } = await tableOf(address, token).select()
    expect([status, error?.code]).toEqual([401, 'PGRST301'])
  }
})

test('the token of a platform administrator has the role authenticated and no more; nothing else of ours has it', async () => {
  const person = await signIn(gateway)
  await giveRole(gateway, person.uai, 'platform_admin')
  const { access_token, id_token = '', expires_in } = await tokensFor(person)
  const { iat = 0, exp, jti, session_id, amr, ...claims } = decodeJwt(access_token)
  expect(claims).toEqual({
    iss: at(A).issuer,
    aud: A,
    sub: person.uai,
    client_id: APP.client_id,
    scope: 'openid',
    role: 'authenticated',
    user_role: 'platform_admin',
    aal: 'aal1',
    email: '',
    phone: '',
    is_anonymous: false,
    user_metadata: {},
  })
  expect([expires_in, exp]).toEqual([600, iat + 600])
  expect(session_id).toBe(decodeJwt(id_token).sid)
  expect(decodeJwt(id_token).role).toBeUndefined()

  await giveRole(gateway, person.uai, 'authenticated')
  await addClient(gateway, 'our-app', { redirect_uris: [APP.redirect_uri], token_endpoint_auth_method: 'none' }, true)
  const ours = await getTokens(gateway, person, { ...APP, client_id: 'our-app', scope: 'openid' })
  expect(decodeJwt(ours.access_token).role).toBe('user')
})

test('the user id is that of the linked account, and address and name need their scopes', async () => {
  const person = await signIn(gateway)
  const userId = '4f1d2c3b-0000-4000-8000-00000000000a'
  await commit(createCall(gateway.gateway), async (work) => {
    work.actor = { type: 'operator', id: 'test' }
    const stream = await work.load(identity, person.uai, { subject: person.uai })
    const evidence = { method: 'operator' }
    const facts = { credentialId: uuidv7(), kind: 'external' as const, provider: 'project-a', verified: true, evidence }
    stream.decide((state) => linkCredential(state, { ...facts, address: userId, lookup: `project-a\n${userId}` }))
  })
  const { sub, email, user_metadata } = decodeJwt((await tokensFor(person, A, 'openid email profile')).access_token)
  expect({ sub, email, user_metadata }).toEqual({
    sub: userId,
    email: person.email,
    user_metadata: { email: person.email, email_verified: true },
  })
})

test('a pairwise client gets UUIDs of its own', async () => {
  const person = await signIn(gateway)
  const pairwise = { redirect_uris: [APP.redirect_uri], token_endpoint_auth_method: 'none' as const }
  await addClient(gateway, 'pairwise-app', { ...pairwise, subject_type: 'pairwise' })
  const request = { ...APP, client_id: 'pairwise-app', scope: 'openid', resource: A }
  const tokens = [await getTokens(gateway, person, request), await getTokens(gateway, person, request)]
  const [one, other] = tokens.map(({ access_token }) => decodeJwt(access_token))
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  expect(one?.sub).toMatch(form)
  expect(one?.session_id).toMatch(form)
  expect(one?.sub).not.toBe(person.uai)
  expect([other?.sub, other?.session_id]).toEqual([one?.sub, one?.session_id])
})

test('400: a revoked session gets no new tokens, and a refresh before keeps their form', async () => {
  const person = await signIn(gateway)
  const first = await tokensFor(person)
  const refresh = (token: string) =>
    post(gateway, '/oauth/token', { grant_type: 'refresh_token', refresh_token: token, client_id: APP.client_id })
  const second = await refresh(first.refresh_token)
  expect(decodeJwt(second.body.access_token)).toMatchObject({ iss: at(A).issuer, aud: A, role: 'authenticated' })
  expect((await tableOf(A, second.body.access_token).select()).status).toBe(200)
  await person.browser.submit(await person.browser.visit('/web/logout'), {}, '/web/logout')
  const third = await refresh(second.body.refresh_token)
  expect([third.status, third.body.error]).toEqual([400, 'invalid_grant'])
})

test('a third party asks for consent to the project, also when its scopes are allowed already', async () => {
  const person = await signIn(gateway)
  await getTokens(gateway, person, { ...APP, scope: 'openid' })
  const params = authorizeParams(newVerifier(), { ...APP, scope: 'openid', resource: B, prompt: 'none' })
  const { location } = await person.browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`)
  expect(new URL(location ?? '').searchParams.get('error')).toBe('consent_required')
})

test('200: a device gets a token for the project that the person approved it for', async () => {
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
  const { browser } = await signIn(gateway)
  const device = { token_endpoint_auth_method: 'none' as const, grant_types: [grant_type], scope: 'openid' }
  const { client_id } = await addClient(gateway, 'a-device', device)
  const asked = await post(gateway, '/oauth/device', { client_id, resource: A, scope: 'openid' })
  const { device_code, user_code } = asked.body
  const page = await browser.visit(`/oauth/device?code=${user_code}`)
  await browser.submit(page, { decision: 'approve' }, '/oauth/device/decision')
  const { body } = await post(gateway, '/oauth/token', { grant_type, client_id, device_code })
  expect(decodeJwt(body.access_token)).toMatchObject({ iss: at(A).issuer, aud: A, role: 'authenticated' })
})

test('401: the gateway itself accepts no token of a project', async () => {
  const { access_token: token } = await tokensFor(await signIn(gateway), A, 'openid email')
  const userinfo = await fetch(`${gateway.url}/oauth/userinfo`, { headers: { authorization: `Bearer ${token}` } })
  expect(userinfo.status).toBe(401)
  expect((await post(gateway, '/oauth/introspect', { token })).body).toEqual({ active: false })
})

test('invalid_target: a project together with another resource, and for a service', async () => {
  const person = await signIn(gateway)
  await tokensFor(person)
  const both = new URLSearchParams(authorizeParams(newVerifier(), { ...APP, scope: 'openid', resource: A }))
  both.append('resource', 'https://api.lanonasis.com')
  const { location } = await person.browser.visit(`/oauth/authorize?${both}`)
  expect(new URL(location ?? '').searchParams.get('error')).toBe('invalid_target')
  const service = await addClient(gateway, 'a-service', { grant_types: ['client_credentials'] })
  const basic = Buffer.from(`a-service:${encodeURIComponent(service.client_secret)}`).toString('base64')
  const headers = { authorization: `Basic ${basic}` }
  const { body } = await post(gateway, '/oauth/token', { grant_type: 'client_credentials', resource: A }, headers)
  expect(body.error).toBe('invalid_target')
})

test('a new key is published an hour before it signs, and signs for its project alone', async () => {
  const before = await keySetOf(`${at(A).issuer}/jwks.json`)
  await gateway.gateway.keys.rotate({ type: 'operator', id: 'test' }, 600, 3600)
  const { keys } = await keySetOf(`${at(A).issuer}/jwks.json`)
  expect(keys.map(({ kid }) => kid)).toContain(before.keys[0]?.kid)
  const [old, next] = [before.keys[0]?.kid, keys.find(({ kid }) => kid !== before.keys[0]?.kid)?.kid]
  const { keys: signing } = gateway.gateway
  const kidAfter = (ms: number) => withClockAhead(ms, async () => (await signing.active('ES256', at(A).id)).kid)
  expect([await kidAfter(3_590_000), await kidAfter(3_610_000)]).toEqual([old, next])
  const all = [await keySetOf(`${gateway.url}/oauth/jwks.json`), await keySetOf(`${at(B).issuer}/jwks.json`), { keys }]
  const kids = all.flatMap((set) => set.keys.map(({ kid }) => kid))
  expect(new Set(kids).size).toBe(kids.length)
})

test('the restrictive policy hides every row from a token for another audience', async () => {
  const person = await signIn(gateway)
  const { access_token: token } = await tokensFor(person)
  await tableOf(A, token).insert({ content: 'before' })
  const policy = async (address: string) => owner.unsafe((await operate('policy', address)).out)
  await policy(B)
  expect((await tableOf(A, token).select()).data).toEqual([])
  await policy(A)
  expect((await tableOf(A, token).select()).data).toMatchObject([{ content: 'before' }])
})

test('404: the issuer of a removed project, whose keys are gone', async () => {
  const gone = 'https://cccc.supabase.co'
  await operate('add', gone, '--supabase')
  const id = (await listResources(gateway.gateway.reads)).find((one) => one.identifier === gone)?.id ?? ''
  expect((await operate('remove', gone)).exitCode).toBe(0)
  expect((await fetch(`${gateway.url}/supabase/${id}/jwks.json`)).status).toBe(404)
  const rows =
    await gateway.sql`select 1 from auth_gateway.signing_keys where resource_id = ${id} and expires_at > now()`
  expect(rows).toHaveLength(0)
})
