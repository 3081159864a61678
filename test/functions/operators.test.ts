import { beforeAll, describe, expect, test } from 'vitest'
import { trace } from '../../scripts/trace.ts'
import type { BlastRadius } from '../../shared/audit/blast-radius.ts'
import { ask } from '../support/as-browser.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { signInOperator } from '../support/operators.ts'
import { openLimits, sessionIdOf } from '../support/rows.ts'
import { getTokens, post, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let platform: SignedInBrowser
let admin: SignedInBrowser
beforeAll(async () => {
  platform = await signInOperator(gateway)
  admin = await signInOperator(gateway, 'admin')
  await addClient(gateway, 'agent', { token_endpoint_auth_method: 'client_secret_basic' })
})

const sessionOf = (person: SignedInBrowser) => (person.browser.cookies.get('lanonasis_session') ?? '').split('.')[0]

/** A person who has a key, an agent and tokens, all begun in one session. */
async function busyPerson() {
  const ada = await signIn(gateway)
  const id = await sessionIdOf(gateway, ada.uai)
  const tokens = await getTokens(gateway, ada)
  const key = (await ask(gateway, ada, 'POST', '/api/v1/api-keys', { name: 'key', scopes: ['memories:read'] })).body
  const agent = (await ask(gateway, ada, 'POST', '/v1/auth/agents', { client_id: 'agent', scopes: ['memories:read'] }))
    .body
  return { ada, id, tokens, key, agent }
}

const works = async (token: string) =>
  (await fetch(`${gateway.url}/v1/auth/me`, { headers: { authorization: `Bearer ${token}` } })).status === 200
const radius = (who: SignedInBrowser, body: object) => ask(gateway, who, 'POST', '/v1/operators/blast-radius', body)

describe('POST /v1/operators/blast-radius', () => {
  test('200 with what followed from a session, nothing of other people, and revokes nothing without the flag', async () => {
    const { ada, id, tokens } = await busyPerson()
    const other = await busyPerson()
    const { status, body } = await radius(platform, { id })
    expect([status, body.dry_run, body.revoked]).toEqual([200, true, 0])
    const kinds = (body as BlastRadius).followed.map(({ kind }) => kind)
    expect(kinds.sort()).toEqual(['agent_delegation', 'api_key', 'session', 'token_family'])
    expect(body.followed.every((one: { live: boolean; uai: string }) => one.live && one.uai === ada.uai)).toBe(true)
    expect(JSON.stringify(body)).not.toContain(other.ada.uai)
    expect(await works(tokens.access_token)).toBe(true)
  })

  test('200 revokes the subtree of a session, and nothing else', async () => {
    const { ada, id, tokens, key } = await busyPerson()
    await openLimits(gateway)
    const second = await signIn(gateway, ada.email)
    const other = await busyPerson()
    const { body } = await radius(platform, { id, dry_run: false, reason: 'stolen laptop' })
    expect(body.revoked).toBe(4)
    expect(await works(tokens.access_token)).toBe(false)
    const verified = await post(gateway, '/v1/auth/verify-api-key', {}, { 'x-api-key': key.key ?? key.data?.key ?? '' })
    expect(verified.status).toBe(401)
    expect(await works(other.tokens.access_token)).toBe(true)
    expect((await second.browser.visit('/v1/auth/session/check')).html).toContain('"authenticated":true')
    const events = await gateway.sql`
      select event_type, metadata->>'actor' as actor from auth_gateway.event_store
      where subject = ${ada.uai} and metadata->>'actorType' = 'operator'`
    expect(events.map(({ event_type }) => event_type).sort()).toEqual([
      'AgentDelegationEnded',
      'ApiKeyRevoked',
      'SessionEnded',
      'TokenFamilyRevoked',
    ])
    expect(new Set(events.map(({ actor }) => actor))).toEqual(new Set([platform.uai]))
    expect((await radius(platform, { id })).body.followed.filter((one: { live: boolean }) => one.live)).toEqual([])
  })

  test('200 from a token family or an event: only what followed from it', async () => {
    const { ada, tokens } = await busyPerson()
    const [family] = await gateway.sql`select id from auth_gateway.token_families where uai = ${ada.uai}`
    const one = (await radius(platform, { id: family?.id })).body
    expect(one.followed.map(({ kind }: { kind: string }) => kind)).toEqual(['token_family'])
    const [consumed] = await gateway.sql`
      select event_id from auth_gateway.event_store where event_type = 'OtpChallengeConsumed' and data->>'uai' = ${ada.uai}`
    const all = (await radius(platform, { id: consumed?.event_id })).body
    expect(all.followed.length).toBe(4)
    expect(tokens.access_token).toBeTruthy()
  })

  test('200 with what an operator did to others in a session', async () => {
    const [operator, ada] = [await signInOperator(gateway), await signIn(gateway)]
    const id = await sessionIdOf(gateway, operator.uai)
    await ask(gateway, operator, 'POST', `/v1/operators/people/${ada.uai}/erase`, { reason: 'asked by letter' })
    const { body } = await radius(platform, { id })
    expect(body.acts).toMatchObject([{ type: 'IdentityErased', subject: ada.uai }])
  })

  test('404 outside of the organization and for what is not there, 400 without a reason, 403 for a person', async () => {
    const { ada, id } = await busyPerson()
    expect((await radius(admin, { id })).status).toBe(404)
    expect((await radius(admin, { id, dry_run: false, reason: 'not mine' })).status).toBe(404)
    expect((await radius(platform, { id: crypto.randomUUID() })).status).toBe(404)
    expect((await radius(platform, { id, dry_run: false })).status).toBe(400)
    expect((await radius(ada, { id })).status).toBe(403)
    expect(sessionOf(ada)).toBeTruthy()
  })
})

describe('GET /v1/operators/state', () => {
  const state = async (who: SignedInBrowser, person: string, at: Date) =>
    ask(gateway, who, 'GET', `/v1/operators/state?${new URLSearchParams({ person, at: at.toISOString() })}`)

  test('200 with what a person could do then, which a revocation since does not change', async () => {
    const { ada, id } = await busyPerson()
    const then = new Date()
    await new Promise((resolve) => setTimeout(resolve, 10))
    await radius(platform, { id, dry_run: false, reason: 'a test' })
    const before = (await state(platform, ada.uai, then)).body.people[0]
    expect(before).toMatchObject({
      uai: ada.uai,
      status: 'active',
      role: 'user',
      sessions: [{ id }],
      keys: [{ scopes: ['memories:read'] }],
    })
    expect([before.tokens.length, before.agents.length, before.tokens[0].client_id]).toEqual([1, 1, 'auth-tester'])
    const now = (await state(platform, ada.uai, new Date())).body.people[0]
    expect([now.sessions, now.tokens, now.keys, now.agents]).toEqual([[], [], [], []])
    expect((await state(platform, ada.uai, new Date('2020-01-01'))).body.people).toEqual([])
  })

  test('400 for a time that is still to come', async () => {
    const { status, body } = await state(platform, platform.uai, new Date(Date.now() + 60_000))
    expect([status, body.code]).toEqual([400, 'INVALID_REQUEST'])
  })

  test('200 without sessions that were not seen for too long, and without tokens that rest on them', async () => {
    const { ada } = await busyPerson()
    await gateway.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`
      await sql`update auth_gateway.event_store set data = jsonb_set(data, '{idleSeconds}', '0')
        where stream_type = 'session' and event_type = 'SessionStarted' and subject = ${ada.uai}`
    })
    const [now] = (await state(platform, ada.uai, new Date())).body.people
    expect([now.sessions, now.tokens, now.keys.length]).toEqual([[], [], 1])
  })

  test('404 outside of the organization, 403 for a person', async () => {
    const ada = await signIn(gateway)
    expect((await state(admin, ada.uai, new Date())).status).toBe(404)
    expect((await state(admin, admin.uai, new Date())).status).toBe(200)
    expect((await state(ada, ada.uai, new Date())).status).toBe(403)
  })
})

describe('npm run trace', () => {
  const command = async (...args: string[]) => {
    const lines: string[] = []
    const { DATABASE_URL, AUTH_MASTER_SECRET } = gateway.gateway.config
    const env = { DATABASE_MIGRATION_URL: DATABASE_URL, AUTH_MASTER_SECRET }
    const exitCode = await trace(args, {
      env,
      out: (line) => void lines.push(line),
      err: (line) => void lines.push(line),
    })
    return { exitCode, text: lines.join('\n') }
  }

  test('0: shows what followed, revokes it with --revoke, and shows who could do what before', async () => {
    const { ada, id, tokens } = await busyPerson()
    const then = new Date().toISOString()
    expect((await command('radius', id)).text).toContain('nothing was revoked')
    expect(await works(tokens.access_token)).toBe(true)
    expect(await command('radius', id, '--revoke', '--reason', 'drill')).toMatchObject({
      exitCode: 0,
      text: expect.stringContaining('4 revoked'),
    })
    expect(await works(tokens.access_token)).toBe(false)
    const { text } = await command('state', then, ada.email, '--json')
    expect(JSON.parse(text)).toMatchObject([{ uai: ada.uai, sessions: [{ id }] }])
    expect((await command('state', then)).text).toContain(ada.uai)
  })

  test.each([
    [['radius']],
    [['radius', 'x', '--revoke']],
    [['state', 'yesterday']],
    [['state', '2999-01-01']],
    [['other', 'x']],
  ])('2: %j', async (args) => {
    expect((await command(...args)).exitCode).toBe(2)
  })
})
