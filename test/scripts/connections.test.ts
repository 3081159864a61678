import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { exportJWK, generateKeyPair } from 'jose'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkProviders } from '../../scripts/check-oauth-providers.ts'
import { connections } from '../../scripts/connections.ts'
import { checkProviders as inspectProviders } from '../../scripts/lib/doctor/providers.ts'
import { loadConfig } from '../../shared/config.ts'
import { openGateway } from '../../shared/gateway.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { HOOK_SECRET, startHookServer } from '../support/hooks.ts'
import { startUpstream, UPSTREAM_CLIENT, type Upstream } from '../support/oidc-upstream.ts'
import { createSamlProvider } from '../support/saml-provider.ts'
import { call } from './terminal.ts'

let database: TestDatabase
let owner: postgres.Sql
let upstream: Upstream
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  database = await createTestDatabase()
  owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
  upstream = await startUpstream(['http://localhost:4000/v1/auth/oauth/callback/acme'])
  env = { DATABASE_MIGRATION_URL: database.ownerUrl, CONNECTION_SECRET: UPSTREAM_CLIENT.client_secret }
})
afterAll(async () => {
  await upstream?.stop()
  await owner?.end()
  await database?.drop()
})

const cli = (...args: string[]) => call(connections, env, ...args)
const add = (slug: string, ...more: string[]) =>
  cli(
    'add',
    slug,
    '--protocol',
    'oidc',
    '--name',
    slug,
    '--issuer',
    upstream.issuer,
    '--client-id',
    'lanonasis',
    ...more,
  )

describe('npm run connections', () => {
  test('0: adds from a preset, changes, disables and removes; the secret is sealed and never shown', async () => {
    expect(await cli('add', 'github', '--preset', 'github', '--client-id', 'abc')).toMatchObject({ exitCode: 0 })
    const [shown] = JSON.parse((await cli('show', 'github')).out)
    expect(shown).toMatchObject({
      slug: 'github',
      status: 'enabled',
      protocol: 'oauth2',
      has_secret: true,
      trust_email: false,
    })
    expect((await cli('change', 'github', '--domain', 'Acme.example', '--trust-email')).exitCode).toBe(0)
    expect(JSON.parse((await cli('show', 'github')).out)).toMatchObject([
      { domains: ['acme.example'], trust_email: true, client_id: 'abc' },
    ])
    expect((await cli('disable', 'github')).out).toContain('disabled')
    expect((await cli('enable', 'github')).out).toContain('enabled')
    const log = JSON.stringify(await owner`select data from auth_gateway.event_store where stream_type = 'connection'`)
    expect(log).not.toContain(UPSTREAM_CLIENT.client_secret)
    expect((await cli('remove', 'github')).out).toContain('no connections yet')
    expect((await cli('add', 'github', '--preset', 'github', '--client-id', 'again')).exitCode).toBe(0)
    await cli('remove', 'github')
  })

  test('1: names every problem of the settings, and refuses a slug that exists', async () => {
    const bad = await cli('add', 'Bad Slug', '--protocol', 'oidc', '--name', 'x', '--issuer', 'http://evil.example')
    expect(bad).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/slug: [\s\S]*issuer: must be an https address/),
    })
    expect((await cli('add', 'm', '--preset', 'microsoft', '--client-id', 'x')).exitCode).toBe(1)
    expect((await cli('add', 'microsoft', '--preset', 'microsoft', '--client-id', 'x')).err).toContain(
      'an unreplaced placeholder',
    )
    expect((await cli('add', 'x1', '--protocol', 'saml', '--name', 'x')).err).toContain('saml: is required')
    expect((await cli('show', 'nobody')).exitCode).toBe(1)
    expect((await cli('paint', 'x')).exitCode).toBe(2)
  })
})

describe('node scripts/check-oauth-providers.mjs', () => {
  const check = (...args: string[]) => call(checkProviders, env, ...args)

  test('0: says that there is none', async () => {
    expect(await check()).toMatchObject({ exitCode: 0, out: expect.stringContaining('no connections yet') })
  })

  test('0: a provider that is right in every respect', async () => {
    await add('acme')
    const { exitCode, out } = await check('acme', '--json')
    expect(JSON.parse(out)).toEqual([
      {
        slug: 'acme',
        status: 'enabled',
        protocol: 'oidc',
        discovery: { ok: true, detail: upstream.issuer },
        keys: { ok: true, detail: '1 keys' },
        credentials: { ok: true, detail: 'the provider accepts the client' },
        callback: { ok: true, detail: 'http://localhost:4000/v1/auth/oauth/callback/acme' },
      },
    ])
    expect(exitCode).toBe(0)
  })

  test('1: a wrong secret, a callback that is not registered, an unknown client, and a provider that does not answer', async () => {
    const wrongSecret = { ...env, CONNECTION_SECRET: 'wrong' }
    await call(connections, wrongSecret, 'change', 'acme')
    expect(await check('acme')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('acme: credentials: invalid_client'),
    })
    await add('elsewhere')
    expect(await check('elsewhere')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('elsewhere: callback: '),
    })
    await cli('add', 'gone', '--protocol', 'oidc', '--name', 'g', '--issuer', 'http://127.0.0.1:9', '--client-id', 'x')
    const { exitCode, out, err } = await check()
    expect(exitCode).toBe(1)
    expect(out).toMatch(/gone +enabled +oidc +WRONG +- +- +-/)
    expect(err).toContain('gone: discovery: ')
  })

  test('0 and 1: a custom provider that accepts our signature, one that does not, and SAML by its certificates', async () => {
    const outside = await startHookServer()
    const saml = createSamlProvider(outside.url.replace('/hook', ''), 'http://localhost:4000', 'globex')
    const { publicKey } = await generateKeyPair('ES256', { extractable: true })
    const own = { name: 'Own', protocol: 'hook', hook: { url: outside.url, public_jwk: await exportJWK(publicKey) } }
    const addFile = (slug: string, settings: object, secret: string) => {
      const file = path.join(tmpdir(), `${slug}-${crypto.randomUUID()}.json`)
      writeFileSync(file, JSON.stringify(settings))
      return call(connections, { ...env, CONNECTION_SECRET: secret }, 'add', slug, '--file', file)
    }
    expect((await addFile('own', own, 'no secret of a webhook')).err).toContain('whsec_')
    await addFile('own', own, HOOK_SECRET)
    await addFile('forgetful', own, `v1,whsec_${Buffer.alloc(32, 1).toString('base64')}`)
    await addFile('globex', { name: 'Globex', protocol: 'saml', saml: saml.settings }, '')
    await addFile('old', { name: 'Old', protocol: 'saml', saml: { ...saml.settings, certificates: ['junk'] } }, '')
    const seen = async (slug: string) => {
      const { exitCode, out } = await check(slug, '--json')
      const [{ discovery, keys, credentials }] = JSON.parse(out)
      return [exitCode, discovery?.ok, keys?.ok, credentials?.ok]
    }
    expect(await seen('own')).toEqual([0, true, true, true])
    expect(await seen('forgetful')).toEqual([1, true, true, false])
    expect(await seen('globex')).toEqual([0, true, true, undefined])
    expect(await seen('old')).toEqual([1, true, false, undefined])
    outside.stop()
    saml.remove()
    expect(await seen('own')).toEqual([1, false, true, undefined])
  })

  test('0: adds SAML from a preset and flags, changes one setting, and doctor reports SHA-1', async () => {
    const saml = createSamlProvider('https://idp.example', 'http://localhost:4000', 'initech')
    const file = path.join(tmpdir(), `idp-${crypto.randomUUID()}.pem`)
    writeFileSync(file, saml.cert)
    const { entry_point, idp_issuer } = saml.settings
    const at = ['--entry-point', entry_point, '--idp-issuer', idp_issuer, '--certificate', file]
    const asked = ['--email-attribute', 'workMail', '--clock-skew', '30']
    await cli('add', 'initech', '--name', 'Initech', '--preset', 'saml-entra', ...at, ...asked)
    const shown = async () => JSON.parse((await cli('show', 'initech')).out)[0].saml
    const subject = 'http://schemas.microsoft.com/identity/claims/objectidentifier'
    expect(await shown()).toMatchObject({
      certificates: [saml.cert],
      clock_skew_seconds: 30,
      attributes: { subject, email: ['workMail'], name: ['http://schemas.microsoft.com/identity/claims/displayname'] },
    })
    const { gateway } = await openGateway(loadConfig({ DATABASE_URL: database.appUrl, LOG_LEVEL: 'silent' }))
    const inspection = async () => {
      const { state, detail } = await inspectProviders(gateway)
      return [state, /initech accepts SHA-1 signatures/.test(detail)]
    }
    await cli('change', 'initech', '--sha1', 'allow')
    expect(await shown()).toMatchObject({
      allow_sha1: true,
      clock_skew_seconds: 30,
      attributes: { email: ['workMail'] },
    })
    expect(await inspection()).toEqual(['warning', true])
    await cli('change', 'initech', '--sha1', 'refuse')
    expect((await inspection())[1]).toBe(false)
    expect((await cli('change', 'initech', '--subject-attribute', 'uid')).err).toContain('another provider')
    expect((await cli('change', 'initech', '--sha1', 'maybe')).exitCode).toBe(2)
    await cli('remove', 'initech')
    await gateway.close()
    saml.remove()
  })

  test('1: a connection keeps its issuer, and so does its name', async () => {
    const moved = await cli('change', 'acme', '--issuer', 'https://elsewhere.example')
    expect(moved).toMatchObject({ exitCode: 1, err: expect.stringContaining('another provider') })
    await add('renamed')
    await cli('remove', 'renamed')
    const taken = ['add', 'renamed', '--protocol', 'oidc', '--name', 'r', '--client-id', 'x']
    const { exitCode, err } = await cli(...taken, '--issuer', 'https://elsewhere.example')
    expect([exitCode, err]).toEqual([1, expect.stringContaining('another provider')])
  })

  test('2: an unknown connection; and it runs as docs/sso.md says', async () => {
    expect((await check('nobody')).exitCode).toBe(2)
    const run = promisify(execFile)(process.execPath, ['scripts/check-oauth-providers.mjs', '--json'], {
      env: { ...process.env, ...env, AUTH_MASTER_SECRET: '' },
    })
    await expect(run).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('"slug": "gone"') })
  }, 30_000)
})
