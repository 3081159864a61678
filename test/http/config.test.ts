import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { configTable, envExample } from '../../scripts/config-table.ts'
import { withGenerated } from '../../scripts/lib/generated-part.ts'
import { loadConfig, masterSecrets, variables } from '../../shared/config.ts'

const DATABASE_URL = 'postgres://app:secret@db.example.com:6543/postgres'
/** The default master secret of development. */
const PUBLISHED = loadConfig({ DATABASE_URL }).AUTH_MASTER_SECRET
const PRODUCTION = {
  NODE_ENV: 'production',
  DATABASE_URL,
  AUTH_BASE_URL: 'https://auth.example.com/',
  AUTH_MASTER_SECRET: Buffer.alloc(32, 7).toString('base64'),
  OTP_WEBHOOK_SECRET: `v1,whsec_${Buffer.alloc(24, 7).toString('base64')}`,
  SUPABASE_FUNCTIONS_URL: 'https://ref.supabase.co/functions/v1/',
}
const messageOf = (env: Record<string, string | undefined>): string => {
  try {
    loadConfig(env)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe('the configuration', () => {
  test('needs nothing but a database in development', () => {
    expect(loadConfig({ DATABASE_URL })).toMatchObject({
      mode: 'development',
      HOST: '127.0.0.1',
      PORT: 4000,
      AUTH_BASE_URL: 'http://localhost:4000',
      CORS_ORIGIN: ['*.lanonasis.com', 'https://*.lanonasis.com', 'http://localhost:*'],
      INTROSPECTION_REQUIRES_CLIENT_AUTH: false,
      SESSION_IDLE_SECONDS: 604_800,
    })
  })

  test('takes what production gives it, addresses without a trailing slash', () => {
    expect(loadConfig(PRODUCTION)).toMatchObject({
      AUTH_BASE_URL: 'https://auth.example.com',
      SUPABASE_FUNCTIONS_URL: 'https://ref.supabase.co/functions/v1',
    })
  })

  test('names every error in one message and repeats no value', () => {
    const message = messageOf({
      DATABASE_URL: 'mysql://root:hunter2@db',
      PORT: '99999',
      AUTH_MASTER_SECRET: 'too-short-hunter2',
      OTP_WEBHOOK_SECRET: 'whsec_hunter2',
      INTROSPECTION_REQUIRES_CLIENT_AUTH: 'hunter2',
      CLIENT_IP_HEADER: 'x real ip',
    })
    for (const name of ['DATABASE_URL', 'PORT', 'AUTH_MASTER_SECRET', 'OTP_WEBHOOK_SECRET', 'CLIENT_IP_HEADER']) {
      expect(message).toContain(`- ${name}: `)
    }
    expect(message).toContain('INTROSPECTION_REQUIRES_CLIENT_AUTH: must be true or false')
    expect(message).not.toContain('hunter2')
  })

  test('of a deploy preview names its own address as the issuer, whatever it shares with production', () => {
    const preview = 'https://deploy-preview-7--auth.netlify.app'
    const shared = { ...PRODUCTION, COOKIE_DOMAIN: '.example.com', MTLS_BASE_URL: 'https://mtls.example.com' }
    const { AUTH_BASE_URL, COOKIE_DOMAIN, MTLS_BASE_URL } = loadConfig(shared, preview)
    expect([AUTH_BASE_URL, COOKIE_DOMAIN, MTLS_BASE_URL]).toEqual([preview, undefined, undefined])
  })

  test('counts an empty value as unset', () => {
    expect(messageOf({ DATABASE_URL: '', COOKIE_DOMAIN: '' })).toBe(
      'The configuration is not usable:\n  - DATABASE_URL: is required',
    )
  })

  test.each([
    ['AUTH_BASE_URL', undefined],
    ['AUTH_BASE_URL', 'http://auth.example.com'],
    ['AUTH_BASE_URL', 'https://localhost:4000'],
    ['AUTH_MASTER_SECRET', undefined],
    ['OTP_WEBHOOK_SECRET', undefined],
    ['SUPABASE_FUNCTIONS_URL', undefined],
    ['DASHBOARD_URL', 'http://localhost:3000'],
    ['MTLS_BASE_URL', 'http://mtls.example.com'],
    ['MTLS_PROXY_SECRET', 'c2hvcnQ='],
  ])('refuses %s = %s in production', (name, value) => {
    expect(messageOf({ ...PRODUCTION, [name]: value })).toContain(`- ${name}: must be`)
  })

  const local = { AUTH_BASE_URL: 'http://localhost:4000', HOST: '127.0.0.1' }
  const ONE = Buffer.alloc(32, 1).toString('base64')
  const own = { AUTH_MASTER_SECRET: ONE, OTP_WEBHOOK_SECRET: PRODUCTION.OTP_WEBHOOK_SECRET }

  test.each<[mode: string, reason: string, env: Record<string, string>]>([
    ['development', 'NODE_ENV is unset, AUTH_BASE_URL and HOST are on loopback', local],
    [
      'development',
      'NODE_ENV is unset, AUTH_BASE_URL and HOST are on loopback',
      { AUTH_BASE_URL: 'http://127.3.2.1:1' },
    ],
    ['development', 'NODE_ENV is unset, AUTH_BASE_URL and HOST are on loopback', { ...local, HOST: '::1' }],
    ['development', 'NODE_ENV is unset, AUTH_BASE_URL and HOST are on loopback', { AUTH_BASE_URL: 'https://[::1]:1' }],
    ['test', 'NODE_ENV is test, AUTH_BASE_URL and HOST are on loopback', { ...local, NODE_ENV: 'test' }],
    ['production', 'NODE_ENV is production', PRODUCTION],
    ['production', 'AUTH_BASE_URL is not on loopback', { ...PRODUCTION, NODE_ENV: '' }],
    ['production', 'AUTH_BASE_URL is not on loopback', { ...PRODUCTION, NODE_ENV: 'development' }],
    ['production', 'AUTH_BASE_URL is not on loopback', { ...PRODUCTION, NODE_ENV: 'test' }],
    [
      'production',
      'AUTH_BASE_URL is not on loopback',
      { ...own, NODE_ENV: 'test', AUTH_BASE_URL: 'http://localhost.example.com' },
    ],
    [
      'production',
      'AUTH_BASE_URL is not on loopback',
      { ...own, NODE_ENV: 'test', AUTH_BASE_URL: 'http://127.0.0.1.example.com' },
    ],
    [
      'production',
      'AUTH_BASE_URL is not on loopback',
      { ...own, NODE_ENV: 'development', AUTH_BASE_URL: 'http://192.168.1.5' },
    ],
    ['production', 'HOST is not on loopback', { ...own, ...local, NODE_ENV: 'development', HOST: '0.0.0.0' }],
    ['production', 'HOST is not on loopback', { ...own, ...local, NODE_ENV: 'test', HOST: '::' }],
  ])('is %s: %s', (mode, modeReason, env) => {
    expect(loadConfig({ DATABASE_URL, ...env })).toMatchObject({ mode, modeReason })
  })

  test.each<[Record<string, string>]>([
    [{ AUTH_BASE_URL: 'https://auth.example.com' }],
    [{ AUTH_BASE_URL: 'https://auth.example.com', NODE_ENV: 'test' }],
    [{ AUTH_BASE_URL: 'https://auth.example.com', NODE_ENV: 'development' }],
    [{ HOST: '0.0.0.0', NODE_ENV: 'test' }],
  ])('refuses the published secrets where another machine can reach it: %j', (env) => {
    const message = messageOf({ DATABASE_URL, ...env })
    expect(message).toContain('AUTH_MASTER_SECRET: must be set to a secret of your own')
    expect(message).toContain('OTP_WEBHOOK_SECRET: must be set to a secret of your own')
    const published = messageOf({ DATABASE_URL, ...env, AUTH_MASTER_SECRET: `${ONE}|${PUBLISHED}` })
    expect(published).toContain('AUTH_MASTER_SECRET: must be set to a secret of your own')
  })

  test('is production where Netlify runs functions, whatever NODE_ENV says, and development under netlify dev', () => {
    const deployed = { DATABASE_URL, AWS_LAMBDA_FUNCTION_NAME: 'otp' }
    expect(messageOf({ ...deployed, NODE_ENV: 'test' })).toBe(messageOf({ ...deployed, NODE_ENV: 'production' }))
    expect(messageOf(deployed)).toContain('AUTH_BASE_URL: must be a public https address in production')
    expect(loadConfig({ ...deployed, NETLIFY_DEV: 'true' }).mode).toBe('development')
  })

  test('takes several master secrets, each different and long enough', () => {
    const [old, short] = [Buffer.alloc(32, 2).toString('base64'), Buffer.alloc(31, 2).toString('base64')]
    const { AUTH_MASTER_SECRET } = loadConfig({ ...PRODUCTION, AUTH_MASTER_SECRET: `${ONE}|${old}` })
    expect(masterSecrets({ AUTH_MASTER_SECRET })).toEqual([Buffer.alloc(32, 1), Buffer.alloc(32, 2)])
    for (const wrong of [`${ONE}|`, `|${ONE}`, `${ONE}|${short}`, `${ONE}|${ONE}`, `${ONE} | ${old}`])
      expect(messageOf({ ...PRODUCTION, AUTH_MASTER_SECRET: wrong })).toBe(
        'The configuration is not usable:\n  - AUTH_MASTER_SECRET: must be base64 of at least 32 random bytes, several different ones separated by |',
      )
  })

  const TEXT = 'one secret for two purposes, 42 bytes long'
  const ENCODED = Buffer.from(TEXT).toString('base64')
  test.each<[string, Record<string, string>]>([
    [
      'LEGACY_TOKEN_SECRET: must differ from SUPABASE_JWT_SECRET',
      { SUPABASE_JWT_SECRET: TEXT, LEGACY_TOKEN_SECRET: TEXT },
    ],
    ['MTLS_PROXY_SECRET: must differ from AUTH_MASTER_SECRET', { MTLS_PROXY_SECRET: PRODUCTION.AUTH_MASTER_SECRET }],
    [
      'MTLS_PROXY_SECRET: must differ from AUTH_MASTER_SECRET',
      { AUTH_MASTER_SECRET: `${ENCODED}|${ONE}`, MTLS_PROXY_SECRET: ONE },
    ],
    ['AUDIT_SIGNING_KEY: must differ from AUTH_MASTER_SECRET', { AUDIT_SIGNING_KEY: PRODUCTION.AUTH_MASTER_SECRET }],
    [
      'OTP_WEBHOOK_SECRET: must differ from AUTH_MASTER_SECRET',
      { OTP_WEBHOOK_SECRET: `v1,whsec_${PRODUCTION.AUTH_MASTER_SECRET}` },
    ],
    [
      'RESEND_WEBHOOK_SECRET: must differ from OTP_WEBHOOK_SECRET',
      { OTP_WEBHOOK_SECRET: `v1,whsec_${ONE}|v1,whsec_${ENCODED}`, RESEND_WEBHOOK_SECRET: `whsec_${ENCODED}` },
    ],
    [
      'MTLS_PROXY_SECRET: must differ from SYNC_WEBHOOK_SECRET',
      { MTLS_PROXY_SECRET: ENCODED, SYNC_WEBHOOK_SECRET: TEXT },
    ],
    ['METRICS_TOKEN: must differ from TWILIO_AUTH_TOKEN', { METRICS_TOKEN: TEXT, TWILIO_AUTH_TOKEN: TEXT }],
    ['CHECKPOINT_URL_TOKEN: must differ from METRICS_TOKEN', { METRICS_TOKEN: TEXT, CHECKPOINT_URL_TOKEN: TEXT }],
  ])('refuses one secret for two purposes: %s', (error, env) => {
    expect(messageOf({ ...PRODUCTION, ...env })).toBe(`The configuration is not usable:\n  - ${error}`)
  })
})

describe('the documentation of the configuration', () => {
  test('describes every variable', () => {
    const described = Object.keys(variables).filter((name) => configTable().includes(`| \`${name}\` |`))
    expect(described).toEqual(Object.keys(variables))
  })

  test('is what .env.example says', () => {
    expect(readFileSync('.env.example', 'utf8')).toBe(envExample())
  })

  test('is what docs/configuration.md says', () => {
    const page = readFileSync('docs/configuration.md', 'utf8')
    expect(withGenerated(page, 'config', configTable())).toBe(page)
  })

  test('never shows a development secret', () => {
    expect(configTable() + envExample()).not.toMatch(/whsec_[A-Za-z0-9]/)
  })
})
