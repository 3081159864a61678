import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { clients } from '../../scripts/clients.ts'
import { NATIVE, SERVICE, useClientsCommand, WEB } from './clients-command.ts'
import { call } from './terminal.ts'

const { cli, json, eventsOf, secretsOf, inFolder, ownerUrl } = useClientsCommand()

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
    const file = inFolder('update.json')
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
    const [first] = await secretsOf('rotating')
    const { client_secret } = await json('rotate-secret', 'rotating', '--overlap', '3600')
    const secrets = await secretsOf('rotating')
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
  await writeFile(inFolder('here.json'), JSON.stringify({ client_name: 'Here', redirect_uris: ['https://h.example/'] }))
  const env = { ...process.env, DATABASE_URL: ownerUrl(), INIT_CWD: inFolder('') }
  const args = ['--import', 'tsx', 'scripts/clients.ts', 'add', '--file', 'here.json', '--client-id', 'here']
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  expect(stdout).toMatch(/^client_id +here$/m)
})

test('1: a file that is not there, or no JSON object', async () => {
  expect(await cli('add', '--file', inFolder('none.json'))).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('none.json cannot be read: ENOENT'),
  })
  await writeFile(inFolder('list.json'), '[]')
  const list = inFolder('list.json')
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
  const env = { ...process.env, DATABASE_URL: ownerUrl(), DATABASE_MIGRATION_URL: '' }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'scripts/clients.ts', 'show', 'mcp-client', '--json'],
    { env },
  )
  expect(JSON.parse(stdout)).toMatchObject({ client_id: 'mcp-client' })
})

test('0: delete ends a client permanently', async () => {
  const { client_id } = await json('add', ...SERVICE, '--auth-method', 'client_secret_basic')
  expect(await json('delete', client_id, '--reason', 'retired')).toMatchObject({ status: 'deleted' })
  expect(await cli('show', client_id)).toMatchObject({ exitCode: 1, err: `There is no client "${client_id}"` })
})
