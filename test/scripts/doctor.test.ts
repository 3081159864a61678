import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doctor } from '../../scripts/doctor.ts'
import type { Checked } from '../../scripts/lib/doctor/check.ts'
import { EDGE_FUNCTIONS, judgeCookies } from '../../scripts/lib/doctor/outside.ts'
import { resources } from '../../scripts/resources.ts'
import { NEEDED_MIGRATION } from '../../shared/start.ts'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type EdgeFunctions, startEdgeFunctions } from '../support/edge.ts'
import { useGateway, WEBHOOK_SECRET } from '../support/gateway.ts'
import { call } from './terminal.ts'

let database: TestDatabase
let edge: EdgeFunctions
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  database = await createTestDatabase()
  edge = await startEdgeFunctions({
    env: { OTP_WEBHOOK_SECRET: WEBHOOK_SECRET, OTP_EMAIL_FROM: 'A <a@example.test>', RESEND_API_KEY: 're_test' },
  })
})
afterAll(async () => {
  await edge?.stop()
  await database?.drop()
})
const gateway = useGateway(() => ({ database, functionsUrl: edge.url }))
beforeAll(async () => {
  await fetch(`${gateway.url}/oauth/jwks.json`)
  env = { ...process.env, DATABASE_MIGRATION_URL: database.ownerUrl }
})

async function examine(changes: NodeJS.ProcessEnv = {}) {
  const { exitCode, out } = await call(doctor, { ...env, ...changes }, '--json')
  const checks: Checked[] = JSON.parse(out)
  return { exitCode, checks, wrong: checks.filter(({ state }) => state === 'wrong') }
}

describe('a deployment', () => {
  test('0: reports what is fine and what needs attention', async () => {
    const { exitCode, checks, wrong } = await examine()
    expect(wrong).toEqual([])
    expect(exitCode).toBe(0)
    const fine = checks.filter(({ state }) => state === 'ok').map(({ check }) => check)
    const expected = [
      'database',
      'role',
      'migrations',
      'partitions',
      'keys',
      'cell',
      'clock',
      'issuer',
      'serving',
      'key set',
    ]
    expect(fine).toEqual(expect.arrayContaining([...expected, ...EDGE_FUNCTIONS.map((name) => `function ${name}`)]))
  })

  test('0: checks the issuer of a Supabase project as Supabase does; 1: when its gateway uses another database', async () => {
    const operate = (...args: string[]) => call(resources, env, ...args)
    const project = 'https://abcd.supabase.co'
    await operate('add', project, '--supabase')
    const { checks } = await examine()
    const found = checks.filter(({ check }) => check === 'Supabase abcd.supabase.co')
    expect(found).toMatchObject([{ state: 'warning', fix: 'Supabase fetches https addresses only' }])
    await gateway.sql`update auth_gateway.signing_keys set kid = 'another' where resource_id is not null`
    const { wrong } = await examine()
    await gateway.sql`select auth_gateway.rebuild_model('signing_keys')`
    await operate('remove', project)
    expect(wrong.map(({ check }) => check)).toContain('Supabase abcd.supabase.co')
  })

  test('0: as text, each with what to do', async () => {
    const { exitCode, out } = await call(doctor, env)
    expect(exitCode).toBe(0)
    expect(out).toMatch(/^ok {7}database +PostgreSQL \d+/m)
    expect(out).toMatch(/^warning {2}pooler .*\n +→ .*transaction mode/m)
    expect(out).toMatch(/0 wrong, \d+ to look at, \d+ fine$/)
  })

  test('1: names every error of an invalid configuration, and no value', async () => {
    const { exitCode, wrong } = await examine({ PORT: 'hunter2', AUTH_MASTER_SECRET: 'hunter2' })
    expect(exitCode).toBe(1)
    expect(wrong.map(({ detail }) => detail.split(':')[0]).sort()).toEqual(['AUTH_MASTER_SECRET', 'PORT'])
    expect(JSON.stringify(wrong)).not.toContain('hunter2')
  })

  test.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['keys', { AUTH_MASTER_SECRET: Buffer.alloc(32, 9).toString('base64') }, /AUTH_MASTER_SECRET/],
    ['cell', { CELL: '5' }, /Set CELL/],
    ['issuer', { AUTH_BASE_URL: 'http://localhost:9' }, /AUTH_BASE_URL/],
    [
      'function send-otp-email',
      { OTP_WEBHOOK_SECRET: `v1,whsec_${Buffer.alloc(24, 9).toString('base64')}` },
      /OTP_WEBHOOK_SECRET/,
    ],
    [
      'function send-otp-email',
      { SUPABASE_FUNCTIONS_URL: 'http://127.0.0.1:9/functions/v1' },
      /supabase functions deploy/,
    ],
    ['cookies', { COOKIE_DOMAIN: '.example.com' }, /AUTH_BASE_URL/],
    ['mutual TLS', { MTLS_BASE_URL: 'https://mtls.example.com' }, /both/],
  ])('1: wrong %s are found, with what to fix', async (check, changes, fix) => {
    const { exitCode, wrong } = await examine(changes)
    expect(exitCode).toBe(1)
    expect(wrong.find((one) => one.check === check)?.fix).toMatch(fix)
  })

  test('1: a login that may do more than append and read', async () => {
    const { wrong } = await examine({ DATABASE_URL: database.ownerUrl })
    expect(wrong.find(({ check }) => check === 'role')?.fix).toContain('DATABASE_URL')
  })

  test('1: a database that is not there, or not migrated, without the checks that need it', async () => {
    const gone = await examine({ DATABASE_URL: 'postgres://a:hunter2@127.0.0.1:9/x' })
    expect(gone.wrong.map(({ check }) => check)).toContain('database')
    expect(gone.checks.map(({ check }) => check)).not.toContain('keys')
    expect(JSON.stringify(gone.checks)).not.toContain('hunter2')
    const empty = await createEmptyDatabase()
    const { wrong } = await examine({ DATABASE_URL: empty.ownerUrl, DATABASE_MIGRATION_URL: empty.ownerUrl })
    expect(wrong.find(({ check }) => check === 'migrations')?.fix).toContain('npm run migrate')
    await empty.drop()
  })

  test('1: a migration that was not applied', async () => {
    const owner = postgres(database.ownerUrl, { max: 1 })
    await owner`delete from auth_gateway.migrations where version = ${NEEDED_MIGRATION.version}`
    await owner.end()
    const { wrong } = await examine()
    expect(wrong.find(({ check }) => check === 'migrations')?.detail).toContain(`${NEEDED_MIGRATION.version}_`)
  })

  test('2: wrong usage', async () => {
    expect((await call(doctor, env, 'everything')).exitCode).toBe(2)
  })
})

test('cookies reach the hosts below their domain, over https', () => {
  const judge = (domain?: string, issuer = 'https://auth.lanonasis.com') =>
    judgeCookies(issuer, domain, 'https://dashboard.lanonasis.com').state
  expect(judge('.lanonasis.com')).toBe('ok')
  expect(judge(undefined)).toBe('warning')
  expect(judge('.nasis.com')).toBe('wrong')
  expect(judge('.lanonasis.com', 'http://auth.lanonasis.com')).toBe('warning')
})

test('every edge function that takes signed messages is looked at', () => {
  const signed = globSync('supabase/functions/*/handler.ts').filter((file) =>
    readFileSync(file, 'utf8').includes('signedEndpoint'),
  )
  expect(signed.map((file) => path.basename(path.dirname(file))).sort()).toEqual(EDGE_FUNCTIONS)
})
