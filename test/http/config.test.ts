import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { configTable, envExample, withConfigTable } from '../../scripts/config-table.ts'
import { loadConfig, variables } from '../../shared/config.ts'

const DATABASE_URL = 'postgres://app:secret@db.example.com:6543/postgres'
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
      NODE_ENV: 'development',
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

  test('names every fault in one message and repeats no value', () => {
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

  test('refuses the published secrets behind a public address, whatever the environment says', () => {
    const message = messageOf({ DATABASE_URL, AUTH_BASE_URL: 'https://auth.example.com' })
    expect(message).toContain('AUTH_MASTER_SECRET: must be set')
    expect(message).toContain('OTP_WEBHOOK_SECRET: must be set')
  })

  test('is production where Netlify runs functions, and development under netlify dev', () => {
    const deployed = { DATABASE_URL, AWS_LAMBDA_FUNCTION_NAME: 'otp' }
    expect(messageOf(deployed)).toContain('AUTH_MASTER_SECRET: must be set')
    expect(loadConfig({ ...deployed, NETLIFY_DEV: 'true' }).NODE_ENV).toBe('development')
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

  test('is what the README says', () => {
    const readme = readFileSync('README.md', 'utf8')
    expect(withConfigTable(readme)).toBe(readme)
  })

  test('never shows a development secret', () => {
    expect(configTable() + envExample()).not.toMatch(/whsec_[A-Za-z0-9]/)
  })
})
