import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../../scripts/lib/ports.ts'
import { startSupabaseAuth } from '../../scripts/supabase-auth.ts'
import { hashToken } from '../../shared/tokens/opaque.ts'
import { eventsOf, newEmail, useGateway } from '../support/gateway.ts'
import { enrolTotp } from '../support/operators.ts'
import { openLimits } from '../support/rows.ts'
import { postJson, signIn } from '../support/sign-in.ts'

const KEY = 'sb_publishable_test'
const SECRETS = ['the secret of before the last rotation', 'a secret of webhooks, of forty characters']

let supabase: Awaited<ReturnType<typeof startSupabaseAuth>>
beforeAll(async () => {
  supabase = await startSupabaseAuth({ port: await freePort(), publishableKey: KEY })
})
afterAll(() => supabase?.stop())
const gateway = useGateway(() => ({
  env: { SUPABASE_URL: supabase.url, SUPABASE_ANON_KEY: KEY, SYNC_WEBHOOK_SECRET: SECRETS.join('|') },
}))
beforeEach(() => openLimits(gateway))

const tell = (path: string, body: object, secret: string | undefined = SECRETS[1]) =>
  postJson(gateway, `/v1/sync/${path}`, body, secret === undefined ? {} : { 'x-webhook-secret': secret })
const confirmed = '2026-01-01T00:00:00Z'
const newUser = (changes: object = {}) => ({
  id: crypto.randomUUID() as string,
  email: newEmail('supabase'),
  email_confirmed_at: confirmed,
  metadata: { full_name: 'Ada' },
  ...changes,
})
const eventCount = async () =>
  (
    await gateway.sql`select count(*)::int as n from auth_gateway.event_store where stream_type in ('identity', 'api_key')`
  )[0]?.n
const verify = (key: string) => postJson(gateway, '/v1/auth/verify-api-key', {}, { 'x-api-key': key })

const PATHS = ['user', 'api-key', 'backfill-api-keys']

test('columns that are null or empty count as left out', async () => {
  const id = crypto.randomUUID()
  const record = { id, email: newEmail('supabase'), email_confirmed_at: '', raw_user_meta_data: null, metadata: null }
  const made = await tell('user', { type: 'INSERT', record, old_record: null })
  expect(made).toMatchObject({ status: 200, body: { created: true } })
  const empty = {
    old_key_hash: '',
    access_level: '',
    key_context: null,
    permissions: '',
    expires_at: '',
    is_active: null,
  }
  const key = { id: 'k1', user_id: id, organization_id: 'o', name: 'key', key_hash: 'a'.repeat(64), ...empty }
  expect(await tell('api-key', key)).toMatchObject({ status: 200, body: { outcome: 'created' } })
  const { body } = await tell('backfill-api-keys', {
    keys: [{ ...key, id: 'k2', name: 'key 2', key_hash: 'b'.repeat(64) }],
  })
  expect(body.results).toMatchObject([{ id: 'k2', outcome: 'created' }])
})

describe('the secret', () => {
  test.each(PATHS)('401 without it or with a wrong one, in the words of the contract (1.10): %s', async (path) => {
    for (const secret of ['', 'wrong', SECRETS.join('|')])
      expect(await tell(path, newUser(), secret)).toMatchObject({ status: 401, body: { error: 'Unauthorized' } })
  })

  test('200 for either of two, so that it can be replaced without a gap', async () => {
    for (const secret of SECRETS) expect((await tell('user', newUser(), secret)).status).toBe(200)
  })

  test('health: 200 for anyone, 401 for a wrong secret', async () => {
    const health = (headers: Record<string, string> = {}) => fetch(`${gateway.url}/v1/sync/health`, { headers })
    const open = await health()
    expect([open.status, await open.json()]).toEqual([
      200,
      { status: 'ok', service: 'sync', timestamp: expect.stringMatching(/^\d{4}-/) },
    ])
    expect((await health({ 'x-webhook-secret': SECRETS[0] ?? '' })).status).toBe(200)
    expect((await health({ 'x-webhook-secret': 'wrong' })).status).toBe(401)
  })

  test('500 where none is configured, whatever comes', async () => {
    const { config } = gateway.gateway
    Object.assign(gateway.gateway, { config: { ...config, SYNC_WEBHOOK_SECRET: undefined } })
    for (const secret of ['', 'undefined'])
      expect(await tell('user', newUser(), secret)).toMatchObject({
        status: 500,
        body: { code: 'SYNC_NOT_CONFIGURED' },
      })
    const health = await fetch(`${gateway.url}/v1/sync/health`)
    expect([health.status, await health.json()]).toMatchObject([
      503,
      { status: 'unavailable', reason: 'SYNC_WEBHOOK_SECRET is not set.' },
    ])
    Object.assign(gateway.gateway, { config })
  })
})

describe('a user of the Supabase project', () => {
  test('200 becomes an identity, once; the same person then signs in by password, token and code', async () => {
    const user = newUser()
    const first = await tell('user', user)
    expect(first.body).toMatchObject({ success: true, message: expect.any(String), created: true })
    const before = await eventCount()
    expect((await tell('user', user)).body).toMatchObject({ user_id: first.body.user_id, created: false })
    expect(await eventCount()).toBe(before)
    supabase.add({ ...user, password: 'correct horse battery' })
    const login = await postJson(gateway, '/v1/auth/login', { email: user.email, password: 'correct horse battery' })
    expect(login.body.user.id).toBe(first.body.user_id)
    expect((await signIn(gateway, user.email)).uai).toBe(first.body.user_id)
    const log = JSON.stringify(await eventsOf(gateway, 'identity', first.body.user_id))
    expect(log).not.toContain(user.id)
    expect(log).not.toContain(user.email)
  })

  test('20 at once become one', async () => {
    const user = newUser()
    const answers = await Promise.all(Array.from({ length: 20 }, () => tell('user', user)))
    expect(new Set(answers.map(({ body }) => body.user_id)).size).toBe(1)
    expect(answers.filter(({ body }) => body.created)).toHaveLength(1)
  })

  test('is the one who has the confirmed address here, and never on the word of a role', async () => {
    const ada = await signIn(gateway)
    const { body } = await tell('user', newUser({ email: ada.email.toUpperCase(), role: 'service_role' }))
    expect(body).toMatchObject({ user_id: ada.uai, created: false })
    const [row] = await gateway.sql`select role from auth_gateway.identities where uai = ${ada.uai}`
    expect(row?.role).toBe('user')
  })

  test('409 for an unconfirmed address that is registered: account takeover by an unverified address', async () => {
    const victim = await signIn(gateway)
    const answer = await tell('user', newUser({ email: victim.email, email_confirmed_at: null }))
    expect(answer).toMatchObject({ status: 409, body: { code: 'LINK_NEEDED' } })
    expect(await eventsOf(gateway, 'identity', victim.uai)).toHaveLength(2)
  })

  test('as a row of a database webhook: a new confirmed address is added, one of another user is a conflict, a deletion unlinks', async () => {
    const { metadata, ...rest } = newUser()
    const record = { ...rest, raw_user_meta_data: metadata, aud: 'authenticated', phone: null }
    const { body } = await tell('user', { type: 'INSERT', table: 'users', schema: 'auth', record, old_record: null })
    const email = newEmail('changed')
    const changed = { type: 'UPDATE', table: 'users', record: { ...record, email }, old_record: record }
    for (let n = 0; n < 2; n++) expect((await tell('user', changed)).body.user_id).toBe(body.user_id)
    expect((await signIn(gateway, email)).uai).toBe(body.user_id)
    const { email: taken } = await signIn(gateway)
    const conflict = await tell('user', { type: 'UPDATE', record: { ...record, email: taken }, old_record: record })
    expect(conflict).toMatchObject({ status: 409, body: { code: 'CREDENTIAL_TAKEN', needed: ['merge'] } })
    const gone = { type: 'DELETE', table: 'users', record: null, old_record: record }
    for (let n = 0; n < 2; n++) expect((await tell('user', gone)).status).toBe(200)
    const events = (await eventsOf(gateway, 'identity', body.user_id)).map(({ event_type }) => event_type)
    expect(events.filter((one) => one === 'CredentialUnlinked')).toHaveLength(1)
  })

  test('the person is notified of an account and of an address that are added', async () => {
    const ada = await signIn(gateway)
    const notices = () =>
      gateway.inbox.sent.filter(({ to, body }) => to === ada.email && body.kind === 'sign_in_method_added').length
    const user = newUser({ email: ada.email })
    await tell('user', user)
    await expect.poll(notices).toBe(1)
    await tell('user', { ...user, email: newEmail('changed') })
    await expect.poll(notices).toBe(2)
  })

  test('409, and no address more, for a person who has an app: a lasting way in for who reads their mail', async () => {
    const [victim, linked] = [await signIn(gateway), await signIn(gateway)]
    const user = newUser({ email: linked.email })
    await tell('user', user)
    for (const one of [victim, linked]) await enrolTotp(one)
    const credentials = async () => (await gateway.sql`select id from auth_gateway.credentials`).length
    const before = await credentials()
    expect(await tell('user', newUser({ email: victim.email }))).toMatchObject({
      status: 409,
      body: { code: 'LINK_NEEDED' },
    })
    const changed = await tell('user', { ...user, email: newEmail('changed') })
    expect(changed).toMatchObject({ status: 200, body: { user_id: linked.uai } })
    expect(await credentials()).toBe(before)
  })

  test('a deletion never takes the last way to sign in', async () => {
    const user = newUser({ email_confirmed_at: null })
    const { body } = await tell('user', user)
    expect((await tell('user', { type: 'DELETE', old_record: { id: user.id } })).status).toBe(200)
    const events = (await eventsOf(gateway, 'identity', body.user_id)).map(({ event_type }) => event_type)
    expect(events).toEqual(['IdentityCreated', 'CredentialLinked', 'CredentialLinked'])
  })

  test('400 for what is missing or malformed, and nothing changes', async () => {
    const before = await eventCount()
    const { email: _none, ...nobody } = newUser()
    for (const body of [nobody, newUser({ id: 'x' }), newUser({ email: 'x' }), {}, { type: 'INSERT', record: {} }])
      expect((await tell('user', body)).status).toBe(400)
    expect(await eventCount()).toBe(before)
  })
})

describe('an API key that was issued elsewhere', () => {
  const newKey = () => `lms_${crypto.randomUUID()}${crypto.randomUUID()}`
  async function owned(changes: object = {}) {
    const user = newUser()
    const { body } = await tell('user', user)
    const secret = newKey()
    const row = {
      id: crypto.randomUUID() as string,
      user_id: user.id,
      organization_id: crypto.randomUUID() as string,
      name: 'Laptop',
      key_hash: hashToken(secret),
      permissions: ['memories:read', 'nonsense', 'admin:*'],
      access_level: 'authenticated',
      is_active: true,
      ...changes,
    }
    return { uai: body.user_id as string, secret, row }
  }

  test('200 is accepted from then on, once, with no more than its owner may hold', async () => {
    const { uai, secret, row } = await owned()
    const { body } = await tell('api-key', row)
    expect(body).toMatchObject({ success: true, event_type: 'INSERT', outcome: 'created', key_hash_stored: true })
    expect((await verify(secret)).body).toMatchObject({ valid: true, userId: uai, permissions: ['memories:read'] })
    const before = await eventCount()
    expect((await tell('api-key', row)).body).toMatchObject({ outcome: 'unchanged', api_key_id: body.api_key_id })
    expect(await eventCount()).toBe(before)
  })

  test('20 at once make one key', async () => {
    const { row } = await owned()
    const answers = await Promise.all(Array.from({ length: 20 }, () => tell('api-key', row)))
    expect(answers.filter(({ body }) => body.outcome === 'created')).toHaveLength(1)
    expect(new Set(answers.map(({ body }) => body.api_key_id)).size).toBe(1)
  })

  test('UPDATE, ROTATE and REVOKE do what they say, each once', async () => {
    const { secret, row } = await owned()
    await tell('api-key', row)
    const updated = { ...row, event_type: 'UPDATE', name: 'Desk', permissions: 'memories:read memories:write' }
    expect((await tell('api-key', updated)).body.outcome).toBe('changed')
    expect((await tell('api-key', updated)).body.outcome).toBe('unchanged')
    expect((await verify(secret)).body.permissions).toEqual(['memories:read', 'memories:write'])
    const successor = newKey()
    const rotated = { ...updated, event_type: 'ROTATE', key_hash: hashToken(successor), old_key_hash: row.key_hash }
    expect((await tell('api-key', rotated)).body.outcome).toBe('rotated')
    expect((await tell('api-key', rotated)).body.outcome).toBe('unchanged')
    expect([(await verify(secret)).status, (await verify(successor)).status]).toEqual([401, 200])
    const revoked = { ...rotated, event_type: 'REVOKE' }
    expect((await tell('api-key', revoked)).body.outcome).toBe('revoked')
    expect((await tell('api-key', revoked)).body.outcome).toBe('unchanged')
    expect((await tell('api-key', { ...rotated, event_type: 'INSERT' })).body.outcome).toBe('unchanged')
    expect((await verify(successor)).status).toBe(401)
  })

  test('as rows of database webhooks: another hash rotates, a deletion revokes', async () => {
    const { secret, row } = await owned()
    const webhook = (type: string, record: object | null, old_record: object | null = null) =>
      tell('api-key', { type, table: 'api_keys', schema: 'public', record, old_record })
    expect((await webhook('INSERT', row)).body.outcome).toBe('created')
    const successor = { ...row, key_hash: hashToken(newKey()) }
    expect((await webhook('UPDATE', successor, row)).body).toMatchObject({ event_type: 'ROTATE', outcome: 'rotated' })
    expect((await webhook('DELETE', null, successor)).body).toMatchObject({ event_type: 'REVOKE', outcome: 'revoked' })
    expect((await verify(secret)).status).toBe(401)
  })

  test('404 for an unknown user, 409 for a key of another user or of ours', async () => {
    const { row } = await owned()
    await tell('api-key', row)
    const stranger = await owned()
    expect((await tell('api-key', { ...row, user_id: crypto.randomUUID() })).status).toBe(404)
    expect((await tell('api-key', { ...row, event_type: 'REVOKE', user_id: stranger.row.user_id })).status).toBe(409)
    const user = newUser()
    supabase.add({ ...user, password: 'correct horse battery' })
    const { body } = await postJson(gateway, '/v1/auth/login', { email: user.email, password: 'correct horse battery' })
    const own = await postJson(
      gateway,
      '/v1/auth/api-keys',
      { name: 'Own' },
      { authorization: `Bearer ${body.access_token}` },
    )
    const attack = {
      ...row,
      user_id: user.id,
      event_type: 'ROTATE',
      key_hash: hashToken('mine'),
      old_key_hash: hashToken(own.body.data.key),
    }
    expect((await tell('api-key', attack)).status).toBe(409)
  })

  test('backfill: each key separately, safe to repeat; expired or malformed ones are reported', async () => {
    const { secret, row } = await owned()
    const twin = { ...row, id: crypto.randomUUID(), key_hash: hashToken(newKey()) }
    const keys = [
      row,
      twin,
      { ...row, key_hash: hashToken(newKey()), is_active: false },
      { ...row, key_hash: hashToken(newKey()), expires_at: '2020-01-01T00:00:00Z' },
      { ...row, key_hash: 'short' },
      { ...row, key_hash: hashToken(newKey()), user_id: crypto.randomUUID() },
    ]
    const { body } = await tell('backfill-api-keys', { keys })
    const outcomes = (answer: { results: { outcome: string }[] }) => answer.results.map(({ outcome }) => outcome)
    expect(outcomes(body)).toEqual(['created', 'created', 'skipped', 'skipped', 'failed', 'failed'])
    expect(body).toMatchObject({ success: false, failed: 2 })
    const again = await tell('backfill-api-keys', { keys })
    expect(outcomes(again.body)).toEqual(['unchanged', 'unchanged', 'skipped', 'skipped', 'failed', 'failed'])
    expect((await verify(secret)).status).toBe(200)
    expect((await tell('backfill-api-keys', { keys: Array.from({ length: 101 }, () => ({})) })).status).toBe(400)
  })

  test('400 names what is missing', async () => {
    const { row } = await owned()
    for (const name of ['id', 'user_id', 'organization_id', 'name', 'key_hash']) {
      const { status, body } = await tell('api-key', { ...row, [name]: undefined })
      expect([status, Object.keys(body.details)]).toEqual([400, [name]])
    }
  })
})
