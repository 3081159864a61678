import { describe, expect, test } from 'vitest'
import { useGateway } from '../support/gateway.ts'
import { getTokens, postJson, signIn } from '../support/sign-in.ts'

const gateway = useGateway()

type Row = [method: string, path: string, status: number, code?: string]

/** Every path of section 1 of the wire contract, asked without a credential and without a body. */
const rows: Row[] = [
  ['GET', '/health', 200],
  ['GET', '/api/v1/health', 200],
  ['GET', '/ready', 200],
  ['GET', '/mcp/health', 200],
  ['GET', '/.well-known/onasis.json', 200],
  ['GET', '/.well-known/oauth-authorization-server', 200],
  ['GET', '/.well-known/openid-configuration', 200],
  ['GET', '/.well-known/oauth-protected-resource', 200],
  ['GET', '/.well-known/jwks.json', 200],
  ['GET', '/oauth/jwks.json', 200],
  ['GET', '/oauth/authorize', 400],
  ['GET', '/authorize', 400],
  ['GET', '/oauth/consent', 400],
  ['POST', '/oauth/token', 400, 'invalid_request'],
  ['POST', '/token', 400, 'invalid_request'],
  ['POST', '/oauth/revoke', 400, 'invalid_request'],
  ['POST', '/revoke', 400, 'invalid_request'],
  ['POST', '/oauth/introspect', 400, 'invalid_request'],
  ['POST', '/introspect', 400, 'invalid_request'],
  ['GET', '/oauth/userinfo', 401],
  ['GET', '/userinfo', 401],
  ['POST', '/register', 400, 'invalid_redirect_uri'],
  ['POST', '/oauth/register', 400, 'invalid_redirect_uri'],
  ['POST', '/oauth/device', 400, 'invalid_request'],
  ['GET', '/oauth/device', 200],
  ['GET', '/device', 200],
  ['GET', '/oauth/device/check', 400],
  ['POST', '/oauth/device/verify', 400],
  ['POST', '/oauth/device/authorize', 400],
  ['POST', '/oauth/device/deny', 400],
  ['POST', '/v1/auth/login', 400, 'MISSING_CREDENTIALS'],
  ['POST', '/v1/auth/signup', 400, 'MISSING_CREDENTIALS'],
  ['POST', '/v1/auth/register', 400, 'MISSING_CREDENTIALS'],
  ['POST', '/v1/auth/logout', 200],
  ['GET', '/v1/auth/session', 401, 'AUTH_TOKEN_MISSING'],
  ['GET', '/v1/auth/session/check', 200],
  ['GET', '/v1/auth/sessions', 401, 'AUTH_TOKEN_MISSING'],
  ['GET', '/v1/auth/me', 401, 'AUTH_TOKEN_MISSING'],
  ['POST', '/v1/auth/verify', 401, 'AUTH_TOKEN_MISSING'],
  ['POST', '/v1/auth/verify-token', 400],
  ['POST', '/v1/auth/verify-api-key', 400, 'API_KEY_MISSING'],
  ['POST', '/v1/auth/introspect', 400],
  ['POST', '/v1/auth/refresh', 400, 'MISSING_REFRESH_TOKEN'],
  ['POST', '/v1/auth/token/exchange', 401, 'TOKEN_MISSING'],
  ['POST', '/v1/auth/magic-link', 400, 'MISSING_EMAIL'],
  ['GET', '/v1/auth/magic-link/callback', 400, 'MAGIC_LINK_STATE_MISSING'],
  ['POST', '/v1/auth/magic-link/exchange', 401, 'TOKEN_MISSING'],
  ['GET', '/v1/auth/oauth', 400],
  ['GET', '/v1/auth/oauth/callback', 302],
  ['GET', '/v1/auth/resolve', 401, 'AUTH_REQUIRED'],
  ['GET', '/v1/auth/resolve/debug', 200],
  ['POST', '/v1/auth/otp/send', 400, 'MISSING_EMAIL'],
  ['POST', '/v1/auth/otp/verify', 400, 'MISSING_TOKEN'],
  ['POST', '/v1/auth/otp/resend', 400, 'MISSING_EMAIL'],
  ['POST', '/otp/send', 400, 'MISSING_EMAIL'],
  ['GET', '/web/login', 200],
  ['GET', '/auth/login', 302],
  ['GET', '/web/signup', 302],
  ['GET', '/web/forgot-password', 302],
  ['GET', '/web/logout', 302],
  ['GET', '/auth/cli-login', 200],
  ['GET', '/api/cli-auth', 200],
  ['POST', '/auth/cli-login', 400, 'MISSING_CREDENTIALS'],
  ['POST', '/auth/cli-register', 400, 'MISSING_CREDENTIALS'],
  ['GET', '/auth/validate', 401, 'AUTH_TOKEN_MISSING'],
  ['POST', '/validate', 401, 'AUTH_TOKEN_MISSING'],
  ['POST', '/mcp/auth', 400, 'MISSING_CREDENTIALS'],
  ['GET', '/test-client', 200],
  ['GET', '/v1/auth/api-keys', 401, 'AUTH_REQUIRED'],
  ['POST', '/v1/auth/api-keys', 401, 'AUTH_REQUIRED'],
  ['GET', '/api/v1/api-keys/services/configured', 401, 'AUTH_REQUIRED'],
  ['POST', '/api/v1/api-keys/with-services', 401, 'AUTH_REQUIRED'],
  ['GET', '/api/v1/api-keys/x', 401, 'AUTH_REQUIRED'],
  ['PUT', '/api/v1/api-keys/x', 401, 'AUTH_REQUIRED'],
  ['POST', '/api/v1/api-keys/x/rotate', 401, 'AUTH_REQUIRED'],
  ['POST', '/api/v1/api-keys/x/revoke', 401, 'AUTH_REQUIRED'],
  ['DELETE', '/api/v1/api-keys/x', 401, 'AUTH_REQUIRED'],
  ['PUT', '/api/v1/api-keys/x/service-scopes', 401, 'AUTH_REQUIRED'],
  ['GET', '/api/v1/api-keys/projects', 401, 'AUTH_REQUIRED'],
  ['GET', '/api/v1/projects', 401, 'AUTH_REQUIRED'],
  ['PATCH', '/api/v1/projects/x/api-keys/y', 401, 'AUTH_REQUIRED'],
  ['POST', '/admin/bypass-login', 403, 'ADMIN_ACCESS_REQUIRED'],
  ['POST', '/admin/change-password', 401],
  ['GET', '/admin/status', 401],
  ['POST', '/admin/register-app', 401],
  ['GET', '/admin/list-apps', 401],
  ['GET', '/services', 200],
  ['GET', '/api/v1/services/memories/x', 404],
  ['POST', '/services/ai-chat', 307],
  ['POST', '/api/v1/chat/completions', 404],
  ['POST', '/webhook/stripe', 404],
  ['POST', '/v1/sync/user', 500, 'SYNC_NOT_CONFIGURED'],
  ['POST', '/v1/sync/api-key', 500, 'SYNC_NOT_CONFIGURED'],
  ['POST', '/v1/sync/backfill-api-keys', 500, 'SYNC_NOT_CONFIGURED'],
]

/** A path under `/v1/auth` or `/oauth` answers under `/api/v1` as well. */
const mirrored = rows.flatMap((row): Row[] => {
  const [method, path, status, code] = row
  return /^\/(v1\/auth|oauth)\//.test(path)
    ? [row, [method, path.replace(/^\/(v1\/)?/, '/api/v1/'), status, code]]
    : [row]
})

describe('1: a path of before is served, in its own dialect', () => {
  test.each(mirrored)('%s %s answers %i %s', async (method, path, status, code) => {
    const headers: Record<string, string> = code ? { accept: 'application/json' } : {}
    const response = await fetch(`${gateway.url}${path}`, { method, headers, redirect: 'manual' })
    const text = await response.text()
    expect(`${response.status} ${text.slice(0, 200)}`).toMatch(new RegExp(`^${status} `))
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    if (!code) return
    const body = JSON.parse(text)
    expect(body.code ?? body.error).toBe(code)
  })
})

describe('7.24: introspection under /api/v1/auth has both shapes', () => {
  test('200 with the members of both for a live token', async () => {
    const person = await signIn(gateway)
    const { access_token: token } = await getTokens(gateway, person)
    const { body } = await postJson(gateway, '/api/v1/auth/introspect', { token, token_type_hint: 'access_token' })
    expect(body).toMatchObject({
      active: true,
      valid: true,
      sub: person.uai,
      identity: { user_id: person.uai },
      error: null,
    })
  })

  test('200 for a dead token and nothing else asked, 401 in the shape of before', async () => {
    const dead = { token: 'a.b.c' }
    const asOauth = await postJson(gateway, '/api/v1/auth/introspect', dead)
    expect(asOauth).toMatchObject({ status: 200, body: { active: false, valid: false, identity: null } })
    expect(await postJson(gateway, '/v1/auth/introspect', dead)).toMatchObject({
      status: 401,
      body: { valid: false, error: { code: 'invalid_credential', retryable: false } },
    })
    expect(await postJson(gateway, '/api/v1/auth/introspect', { ...dead, type: 'jwt' })).toMatchObject({ status: 401 })
  })
})
