import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { newEmail, useGateway } from '../support/gateway.ts'
import { challengeOf, createBrowser, newVerifier, passSignIn, post, postJson } from '../support/sign-in.ts'

const gateway = useGateway()

/** Opens the authorize link in a fresh browser, signs in, consents; the callback's parameters. */
async function callbackOf(params: Record<string, string>, email: string): Promise<URLSearchParams> {
  const browser = createBrowser(gateway)
  const signInPage = await browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`)
  expect(signInPage.url).toContain(params.client_id?.includes('cli') ? '/auth/cli-login' : '/web/login')
  let page = await passSignIn(gateway, browser, signInPage, email)
  if (!page.location) page = await browser.submit(page, { decision: 'allow' }, '/oauth/consent')
  expect(page.location).toContain(params.redirect_uri)
  return new URL(page.location ?? '').searchParams
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe('lanonasis-cli (docs/wire-contract.md 5.1)', () => {
  test('signs in with the browser, exchanges the code as JSON and gets an access token that lasts a day', async () => {
    const email = newEmail()
    const verifier = newVerifier()
    const redirect_uri = 'http://localhost:8888/callback'
    const answer = await callbackOf(
      {
        response_type: 'code',
        client_id: 'lanonasis-cli',
        redirect_uri,
        scope: 'read write offline_access',
        code_challenge: challengeOf(verifier),
        code_challenge_method: 'S256',
        state: '00112233445566778899aabbccddeeff',
      },
      email,
    )
    expect(answer.get('state')).toBe('00112233445566778899aabbccddeeff')
    const { status, body } = await postJson(gateway, '/oauth/token', {
      grant_type: 'authorization_code',
      code: answer.get('code'),
      redirect_uri,
      client_id: 'lanonasis-cli',
      code_verifier: verifier,
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({ expires_in: 86_400, scope: 'read write offline_access' })
    expect(decodeJwt(body.access_token)).toMatchObject({ email, role: 'user', plan: 'free' })

    const verified = await postJson(gateway, '/v1/auth/verify', {}, bearer(body.access_token))
    expect(verified.body).toMatchObject({ valid: true, payload: { email }, email, role: 'user' })
    const me = await fetch(`${gateway.url}/v1/auth/me`, { headers: bearer(body.access_token) })
    expect(await me.json()).toMatchObject({ email, plan: 'free', provider: 'email', role: 'user' })
    const refreshed = await postJson(gateway, '/oauth/token', {
      grant_type: 'refresh_token',
      refresh_token: body.refresh_token,
      client_id: 'lanonasis-cli',
    })
    expect(refreshed.status).toBe(200)
  })

  test('refreshes a pair from an e-mail code at /oauth/token', async () => {
    const email = newEmail()
    await postJson(gateway, '/v1/auth/otp/send', { email, platform: 'cli' })
    const { body: pair } = await postJson(gateway, '/v1/auth/otp/verify', {
      email,
      token: gateway.inbox.codeFor(email),
      platform: 'cli',
    })
    const { status, body } = await postJson(gateway, '/oauth/token', {
      grant_type: 'refresh_token',
      refresh_token: pair.refresh_token,
      client_id: 'lanonasis-cli',
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 86_400 })
    const check = await postJson(gateway, '/v1/auth/verify-token', { token: body.access_token })
    expect(check.body).toMatchObject({ valid: true, user: { email } })
  })

  test('gets a separate code for a bad API key, so that it stops after one request', async () => {
    const { status, body } = await postJson(gateway, '/v1/auth/verify', {}, { 'x-api-key': 'lano_bad' })
    expect(status).toBe(401)
    expect(body).toMatchObject({ valid: false, code: 'API_KEY_INVALID', message: expect.any(String) })
  })
})

describe('IDE extensions (docs/wire-contract.md 5.3)', () => {
  test('sign in on port 8080 and exchange and refresh by form', async () => {
    const verifier = newVerifier()
    const redirect_uri = 'http://localhost:8080/callback'
    const scope = 'memories:read memories:write memories:delete'
    const answer = await callbackOf(
      {
        client_id: 'vscode-extension',
        response_type: 'code',
        redirect_uri,
        scope,
        code_challenge: challengeOf(verifier),
        code_challenge_method: 'S256',
        state: 'ide state+/=',
      },
      newEmail(),
    )
    expect(answer.get('state')).toBe('ide state+/=')
    const tokens = await post(gateway, '/oauth/token', {
      grant_type: 'authorization_code',
      client_id: 'vscode-extension',
      code: answer.get('code') ?? '',
      redirect_uri,
      code_verifier: verifier,
    })
    expect(tokens.body).toMatchObject({ expires_in: 3600, scope })
    const refreshed = await post(gateway, '/oauth/token', {
      grant_type: 'refresh_token',
      client_id: 'vscode-extension',
      refresh_token: tokens.body.refresh_token,
    })
    expect(refreshed.status).toBe(200)
    const active = await post(
      gateway,
      '/oauth/introspect',
      { token: refreshed.body.access_token },
      bearer(refreshed.body.access_token),
    )
    expect(active.body).toMatchObject({ active: true, scope })
  })

  test('are signed out by 400 when the refresh token is junk', async () => {
    const form = { grant_type: 'refresh_token', client_id: 'vscode-extension', refresh_token: 'junk' }
    const { status, body } = await post(gateway, '/oauth/token', form)
    expect(status).toBe(400)
    expect(body.error).toBe('invalid_grant')
  })
})

test('the REPL gets revoked: true (docs/wire-contract.md 5.5)', async () => {
  const email = newEmail()
  await postJson(gateway, '/v1/auth/otp/send', { email })
  const { body } = await postJson(gateway, '/v1/auth/otp/verify', { email, token: gateway.inbox.codeFor(email) })
  const form = { token: body.refresh_token, client_id: 'lanonasis-repl-cli' }
  expect((await postJson(gateway, '/oauth/revoke', form)).body).toEqual({ revoked: true })
  expect((await postJson(gateway, '/oauth/introspect', { token: body.access_token })).body).toEqual({ active: false })
})
