import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { exportJWK, generateKeyPair } from 'jose'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clients } from '../../scripts/clients.ts'
import { DEVICE_CODE } from '../../shared/oauth/clients/grant-types.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { call } from './terminal.ts'

let database: TestDatabase
let owner: postgres.Sql
let folder: string

beforeAll(async () => {
  database = await createTestDatabase()
  owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
  folder = await mkdtemp(path.join(tmpdir(), 'clients-'))
})

afterAll(async () => {
  await owner?.end()
  await database?.drop()
  await rm(folder, { recursive: true, force: true })
})

const cli = (...args: string[]) => call(clients, { DATABASE_MIGRATION_URL: database.ownerUrl }, ...args)
const json = async (...args: string[]) => {
  const { exitCode, out, err } = await cli(...args, '--json')
  expect(err).toBe('')
  expect(exitCode).toBe(0)
  return JSON.parse(out)
}
const NATIVE = ['--name', 'My CLI', '--redirect-uri', 'http://127.0.0.1:8080/callback']
const WEB = ['--name', 'My App', '--redirect-uri', 'https://app.example/callback']
const eventsOf = (clientId: string) => owner`
  select e.event_type as type, e.data, e.metadata from auth_gateway.event_store e
  join auth_gateway.api_clients c on c.id = e.stream_id where c.client_id = ${clientId} order by e.version`

describe('add', () => {
  test('0: makes a public native client when every redirect stays on the machine', async () => {
    const client = await json('add', ...NATIVE, '--redirect-uri', 'com.example.app:/callback')
    expect(client).toEqual({
      client_id: expect.stringMatching(/^client_[0-9a-f]{32}$/),
      client_id_issued_at: expect.any(Number),
      client_name: 'My CLI',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['http://127.0.0.1:8080/callback', 'com.example.app:/callback'],
      scope: 'openid profile email',
      default_scope: 'openid profile email',
      status: 'active',
      first_party: false,
      account_access: 'none',
      origin: 'operator',
      secrets: 0,
    })
    expect(Math.abs(client.client_id_issued_at - Date.now() / 1000)).toBeLessThan(60)
  })

  test.each([
    [
      'web',
      { application_type: 'web', token_endpoint_auth_method: 'client_secret_basic' },
      'a confidential web client',
    ],
    ['spa', { application_type: 'web', token_endpoint_auth_method: 'none' }, 'a public browser client'],
    ['native', { application_type: 'native', token_endpoint_auth_method: 'none' }, 'a public native client'],
    ['device', { grant_types: [DEVICE_CODE, 'refresh_token'], response_types: [] }, 'a public device client'],
    ['service', { grant_types: ['client_credentials'], secrets: 1 }, 'a service'],
  ])('0: --type %s makes such a client and says so', async (type, metadata, said) => {
    const uris = 'grant_types' in metadata ? [] : ['--redirect-uri', 'http://localhost:3000/callback']
    expect(await json('add', '--name', 'Typed', '--type', type, ...uris)).toMatchObject(metadata)
    const { out } = await cli('add', '--name', 'Typed', '--type', type, ...uris)
    expect(out.split(':')[0]).toBe(`Added ${said}`)
  })

  test('0: says what was made and why where no type was given; 2 for an unknown type', async () => {
    const why = async (...args: string[]) => (await cli('add', ...args)).out.split('\n')[0]
    expect(await why(...NATIVE)).toBe(
      'Added a public native client: it has no secret and uses PKCE. No --type or --auth-method was given, and every redirect URI leads to the user’s own machine.',
    )
    expect(await why(...WEB)).toBe(
      'Added a confidential web client: its server has a secret. No --type or --auth-method was given, and it is reached at a website or has no redirect URI.',
    )
    expect(await why(...WEB, '--type', 'web', '--auth-method', 'none')).toBe(
      'Added a public browser client: it has no secret and uses PKCE.',
    )
    expect((await cli('add', ...WEB, '--type', 'mobile')).exitCode).toBe(2)
  })

  test('0: creates a confidential web client; the secret is shown once and only its SHA-256 is stored', async () => {
    const client = await json('add', ...WEB, '--client-id', 'web-app', '--first-party', '--access-token-seconds', '600')
    expect(client).toMatchObject({
      client_id: 'web-app',
      client_secret: expect.stringMatching(/^secret_[0-9a-f]{64}$/),
      client_secret_expires_at: 0,
      application_type: 'web',
      token_endpoint_auth_method: 'client_secret_basic',
      access_token_seconds: 600,
      first_party: true,
    })
    const [registered] = await eventsOf('web-app')
    const hash = createHash('sha256').update(client.client_secret).digest('hex')
    expect(registered).toMatchObject({
      type: 'ClientRegistered',
      data: { secretHash: hash },
      metadata: { actorType: 'operator' },
    })
    expect(JSON.stringify(registered)).not.toContain(client.client_secret)
    const shown = await json('show', 'WEB-APP')
    expect(shown).toMatchObject({ client_id: 'web-app', secrets: 1 })
    expect(shown).not.toHaveProperty('client_secret')
  })

  test('0: takes a file of RFC 7591 metadata, flags over it, and says what it ignores', async () => {
    const file = path.join(folder, 'client.json')
    const metadata = {
      client_id: 'from-file',
      client_name: 'File',
      redirect_uris: ['https://f.example/cb'],
      made_up: 'x',
    }
    await writeFile(file, JSON.stringify(metadata))
    const { exitCode, out, err } = await cli(
      'add',
      '--file',
      file,
      '--name',
      'Flag',
      '--auth-method',
      'client_secret_post',
      '--json',
    )
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: `ignored in ${file}: made_up` })
    expect(JSON.parse(out)).toMatchObject({
      client_id: 'from-file',
      client_name: 'Flag',
      token_endpoint_auth_method: 'client_secret_post',
    })
  })

  test('1: a client_id that differs from a known one in case only', async () => {
    expect(await cli('add', ...NATIVE, '--client-id', 'LanOnasis-CLI')).toEqual({
      exitCode: 1,
      out: '',
      err: 'There is already a client "LanOnasis-CLI"',
    })
  })

  test('0 and 1: of several that add the same client_id at the same time, one succeeds', async () => {
    const results = await Promise.all(
      ['race', 'Race', 'RACE', 'rAce'].map((id) => cli('add', ...NATIVE, '--client-id', id)),
    )
    expect(results.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1, 1, 1])
    const refused = results.filter(({ exitCode }) => exitCode === 1).map(({ err }) => err)
    for (const err of refused) expect(err).toMatch(/^There is already a client "race"$/i)
  })

  test.each([
    ['no name', ['--redirect-uri', 'https://a.example/'], 'client_name: is required'],
    ['no redirect', ['--name', 'x'], 'redirect_uris: at least one is needed'],
    [
      'http elsewhere',
      ['--name', 'x', '--redirect-uri', 'http://a.example/'],
      'redirect_uris: http://a.example/ is http outside of the loopback interface',
    ],
    [
      'a fragment',
      ['--name', 'x', '--redirect-uri', 'https://a.example/#f'],
      'redirect_uris: https://a.example/#f has a fragment',
    ],
    [
      'a forbidden scheme',
      ['--name', 'x', '--redirect-uri', 'javascript:alert(1)'],
      'redirect_uris: javascript:alert(1) has a forbidden scheme',
    ],
    ['refresh alone', [...WEB, '--grant-type', 'refresh_token'], 'grant_types: refresh_token needs another grant type'],
    [
      'a default beyond the scope',
      [...WEB, '--scope', 'a b', '--default-scope', 'b c'],
      'default_scope: c is not in scope',
    ],
    [
      'no PKCE for a public client',
      [...NATIVE, '--require-pkce', 'false'],
      'require_pkce: must be true for a public client',
    ],
    ['an unknown method', [...WEB, '--auth-method', 'magic'], 'token_endpoint_auth_method: is not supported'],
    ['a URL for an id', [...WEB, '--client-id', 'https://app.example'], 'client_id: must be 3 to 100 letters'],
    ['a long life', [...WEB, '--access-token-seconds', '999999'], 'access_token_seconds: must be 86400 or less'],
  ])('1: %s', async (_, args, message) => {
    const { exitCode, out, err } = await cli('add', ...args)
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' })
    expect(err).toContain(message)
  })
})

describe('update', () => {
  test('0: flags change members and leave the others', async () => {
    await json('add', ...WEB, '--client-id', 'changing', '--contact', 'a@b.example')
    const client = await json(
      'update',
      'Changing',
      '--name',
      'Renamed',
      '--scope',
      'profile',
      '--default-scope',
      'profile',
    )
    expect(client).toMatchObject({ client_name: 'Renamed', scope: 'profile', contacts: ['a@b.example'] })
    expect((await eventsOf('changing')).map(({ type }) => type)).toEqual(['ClientRegistered', 'ClientUpdated'])
  })

  test('0: a file replaces everything (RFC 7592 section 2.2)', async () => {
    const file = path.join(folder, 'update.json')
    await writeFile(file, JSON.stringify({ client_name: 'New', redirect_uris: ['https://n.example/'] }))
    expect(await json('update', 'changing', '--file', file)).not.toHaveProperty('contacts')
  })

  test('1: a changed client_id, a client that is not there, metadata that is wrong', async () => {
    expect(await cli('update', 'changing', '--client-id', 'other')).toMatchObject({
      exitCode: 1,
      err: 'A client_id cannot be changed',
    })
    expect(await cli('update', 'nobody', '--name', 'x')).toMatchObject({
      exitCode: 1,
      err: 'There is no client "nobody"',
    })
    expect(await cli('update', 'changing', '--redirect-uri', 'nonsense')).toMatchObject({ exitCode: 1 })
  })
})

describe('account access', () => {
  test('0: given when a LanOnasis application is added, changed later without touching its metadata', async () => {
    const args = [...WEB, '--client-id', 'ours', '--first-party', '--account-access', 'everyday']
    expect(await json('add', ...args)).toMatchObject({ account_access: 'everyday' })
    expect(await json('update', 'ours', '--account-access', 'none')).toMatchObject({ account_access: 'none' })
    expect(await json('update', 'ours', '--name', 'Ours', '--account-access', 'everyday')).toMatchObject({
      client_name: 'Ours',
      account_access: 'everyday',
    })
    expect((await eventsOf('ours')).map(({ type }) => type)).toEqual([
      'ClientRegistered',
      'ClientAccountAccessChanged',
      'ClientUpdated',
      'ClientAccountAccessChanged',
    ])
  })

  test('1: refused for a third-party application, 2: for another value', async () => {
    const refused = {
      exitCode: 1,
      out: '',
      err: 'account_access: only a LanOnasis application (--first-party) may have it',
    }
    expect(await cli('add', ...WEB, '--client-id', 'theirs', '--account-access', 'everyday')).toEqual(refused)
    await json('add', ...WEB, '--client-id', 'theirs')
    expect(await cli('update', 'theirs', '--account-access', 'everyday')).toEqual(refused)
    expect(await cli('update', 'ours', '--account-access', 'all')).toMatchObject({ exitCode: 2 })
  })

  test('only the seeded LanOnasis applications have it', async () => {
    const list: { client_id: string; origin: string; first_party: boolean; account_access: string }[] =
      await json('list')
    const seeded = list.filter(({ origin }) => origin === 'seed')
    expect(seeded.filter((one) => (one.account_access === 'everyday') !== one.first_party)).toEqual([])
    expect(seeded.filter(({ first_party }) => !first_party).map(({ client_id }) => client_id)).toEqual([
      'claude-desktop',
      'claude-web',
      'mcp-client',
      'partner-sandbox',
    ])
  })
})

test('0: suspend and reinstate record who and why, and say nothing twice', async () => {
  await json('add', ...NATIVE, '--client-id', 'standing')
  expect(await json('suspend', 'standing', '--reason', 'abuse')).toMatchObject({ status: 'suspended' })
  expect(await json('suspend', 'standing')).toMatchObject({ status: 'suspended' })
  expect(await json('reinstate', 'standing')).toMatchObject({ status: 'active' })
  const events = await eventsOf('standing')
  expect(events.map(({ type }) => type)).toEqual(['ClientRegistered', 'ClientSuspended', 'ClientReinstated'])
  expect(events[1]).toMatchObject({
    data: { reason: 'abuse' },
    metadata: { actorType: 'operator', actor: expect.any(String) },
  })
})

describe('rotate-secret', () => {
  test('0: gives a seeded confidential client its first secret', async () => {
    expect(await json('rotate-secret', 'dashboard-web')).toMatchObject({
      client_secret: expect.stringMatching(/^secret_[0-9a-f]{64}$/),
      secrets: 1,
    })
  })

  test('0: keeps the newest old secret for the overlap, and none without', async () => {
    await json('add', ...WEB, '--client-id', 'rotating')
    const hashOf = async () => {
      const [row] = await owner`select secrets from auth_gateway.api_clients where client_id = 'rotating'`
      return row?.secrets
    }
    const [first] = await hashOf()
    const { client_secret } = await json('rotate-secret', 'rotating', '--overlap', '3600')
    const secrets = await hashOf()
    expect(secrets).toEqual([
      { hash: createHash('sha256').update(client_secret).digest('hex') },
      { hash: first.hash, expiresAt: expect.any(String) },
    ])
    expect(Date.parse(secrets[1].expiresAt) - Date.now()).toBeGreaterThan(3_590_000)
    expect(await json('rotate-secret', 'rotating')).toMatchObject({ secrets: 1 })
  })

  test('1: a public client has no secret', async () => {
    expect(await cli('rotate-secret', 'onasis-cli')).toMatchObject({
      exitCode: 1,
      err: '"onasis-cli" has no secret (token_endpoint_auth_method none)',
    })
  })
})

describe('list and show', () => {
  test('0: list every client, seeded ones included', async () => {
    const list = await json('list')
    expect(list.length).toBeGreaterThanOrEqual(25)
    expect(list).toContainEqual(
      expect.objectContaining({
        client_id: 'lanonasis-cli',
        origin: 'seed',
        first_party: true,
        account_access: 'everyday',
      }),
    )
    expect((await cli('list')).out).toMatch(/^lanonasis-cli +LanOnasis CLI +native +none +first +seed +active$/m)
  })

  test('0: show a client for people', async () => {
    const { out } = await cli('show', 'mcp-client')
    expect(out).toMatch(/^client_name +MCP Client$/m)
    expect(out).not.toContain('secret_')
  })
})

describe('wrong usage is 2 and shows the usage:', () => {
  test.each([
    [[]],
    [['nonsense']],
    [['show']],
    [['list', 'a', 'b']],
    [['list', '--nonsense']],
    [['rotate-secret', 'dashboard-web', '--overlap', '-1']],
  ])('%j', async (args) => {
    const { exitCode, err, out } = await cli(...args)
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' })
    expect(err).toContain('npm run clients -- add')
  })
})

test('0: runs as a program from another folder, whose files it reads', async () => {
  await writeFile(
    path.join(folder, 'here.json'),
    JSON.stringify({ client_name: 'Here', redirect_uris: ['https://h.example/'] }),
  )
  const env = { ...process.env, DATABASE_URL: database.ownerUrl, INIT_CWD: folder }
  const args = ['--import', 'tsx', 'scripts/clients.ts', 'add', '--file', 'here.json', '--client-id', 'here']
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  expect(stdout).toMatch(/^client_id +here$/m)
})

test('1: a file that is not there, or no JSON object', async () => {
  expect(await cli('add', '--file', path.join(folder, 'none.json'))).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('none.json cannot be read: ENOENT'),
  })
  await writeFile(path.join(folder, 'list.json'), '[]')
  const list = path.join(folder, 'list.json')
  expect(await cli('add', '--file', list)).toMatchObject({ exitCode: 1, err: `${list} is not a JSON object` })
})

test('1: no database is a sentence, not a stack', async () => {
  const { exitCode, err } = await call(clients, { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }, 'list')
  expect(exitCode).toBe(1)
  expect(err).toMatch(/^\S.*ECONNREFUSED.*$/)
})

test('1: a database elsewhere needs the master secret of its gateway', async () => {
  expect(await call(clients, { DATABASE_URL: 'postgres://a@db.example/none' }, 'list')).toMatchObject({
    exitCode: 1,
    err: 'Set AUTH_MASTER_SECRET to the one of the gateway',
  })
})

test('0: runs as a program, with DATABASE_URL of the owner alone', async () => {
  const env = { ...process.env, DATABASE_URL: database.ownerUrl, DATABASE_MIGRATION_URL: '' }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'scripts/clients.ts', 'show', 'mcp-client', '--json'],
    { env },
  )
  expect(JSON.parse(stdout)).toMatchObject({ client_id: 'mcp-client' })
})

describe('clients of services', () => {
  const SERVICE = ['--name', 'Key manager', '--grant-type', 'client_credentials', '--scope', 'secrets:read']

  test('0: a service that authenticates by certificate, with what it serves and may get tokens for', async () => {
    const client = await json(
      'add',
      ...SERVICE,
      ...['--grant-type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      ...['--auth-method', 'tls_client_auth', '--tls-client-auth-san-dns', 'keys.internal', '--certificate-bound'],
      ...['--resource', 'https://keys.example', '--exchange-resource', 'https://api.lanonasis.com'],
    )
    expect(client).toMatchObject({
      token_endpoint_auth_method: 'tls_client_auth',
      grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      response_types: [],
      redirect_uris: [],
      tls_client_auth_san_dns: 'keys.internal',
      tls_client_certificate_bound_access_tokens: true,
      resources: ['https://keys.example'],
      exchange_resources: ['https://api.lanonasis.com'],
    })
    expect(client).not.toHaveProperty('client_secret')
  })

  test('0: a service with a key set from a file; its private keys are refused', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const file = path.join(folder, 'jwks.json')
    const args = ['add', ...SERVICE, '--auth-method', 'private_key_jwt', '--jwks', file]
    await writeFile(file, JSON.stringify({ keys: [await exportJWK(publicKey)] }))
    expect(await json(...args)).toMatchObject({ jwks: { keys: [{ kty: 'EC', crv: 'P-256' }] } })
    await writeFile(file, JSON.stringify({ keys: [await exportJWK(privateKey)] }))
    const refused = await cli(...args)
    expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('must contain public keys only')])
  })

  test.each([
    ['a public service', ['--auth-method', 'none'], 'a public client cannot get tokens in its own name'],
    ['no keys', ['--auth-method', 'private_key_jwt'], 'jwks: is needed for private_key_jwt'],
    [
      'no name of the certificate',
      ['--auth-method', 'tls_client_auth'],
      'exactly one name of the certificate is required',
    ],
  ])('1: %s', async (_name, args, message) => {
    const refused = await cli('add', ...SERVICE, ...args)
    expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining(message)])
  })

  test('0: delete ends a client permanently', async () => {
    const { client_id } = await json('add', ...SERVICE, '--auth-method', 'client_secret_basic')
    expect(await json('delete', client_id, '--reason', 'retired')).toMatchObject({ status: 'deleted' })
    expect(await cli('show', client_id)).toMatchObject({ exitCode: 1, err: `There is no client "${client_id}"` })
  })
})
