import { describe, expect, test } from 'vitest'
import { formActionSources } from '../../netlify/pages/safe.ts'
import { newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { openLimits, sessionIdOf } from '../support/rows.ts'
import { authorize, authorizeParams, getTokens, newVerifier, post, postJson, signIn } from '../support/sign-in.ts'

const gateway = useGateway()

const get = async (path: string, token: string) => {
  const response = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}` } })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

async function directSignIn(email = newEmail()) {
  await postJson(gateway, '/v1/auth/otp/send', { email })
  const token = gateway.inbox.codeFor(email)
  return (await postJson(gateway, '/v1/auth/otp/verify', { email, token, platform: 'cli' })).body
}

describe('a token of another company’s application', () => {
  const partner = {
    client_id: 'partner-sandbox',
    redirect_uri: 'http://127.0.0.1:3000/callback',
    scope: 'memories:read',
  }

  test('403 for the person’s sessions, to see or to end them', async () => {
    const person = await signIn(gateway)
    const { access_token: token } = await getTokens(gateway, person, partner)
    expect(await get('/v1/auth/sessions', token)).toMatchObject({ status: 403, body: { code: 'SCOPE_INSUFFICIENT' } })
    const session = await sessionIdOf(gateway, person.uai)
    const ended = await fetch(`${gateway.url}/v1/auth/sessions/${session}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(ended.status).toBe(403)
    expect((await person.browser.visit('/v1/auth/session/check')).html).toContain('"authenticated":true')
  })

  test('200 without the address, which its scope does not open', async () => {
    const person = await signIn(gateway)
    const { access_token: token } = await getTokens(gateway, person, partner)
    const answers = [
      await post(gateway, '/oauth/introspect', { token }),
      await postJson(gateway, '/v1/auth/verify-token', { token }),
      await get('/v1/auth/verify', token),
      await get('/v1/auth/resolve', token),
    ]
    for (const { status, body, headers } of answers) {
      expect(status).toBe(200)
      expect(JSON.stringify(body) + [...headers].join()).not.toContain(person.email)
    }
    expect((await get('/v1/auth/me', token)).status).toBe(401)
  })
})

describe('a token of our own', () => {
  test('scope does not grow when it opens another application', async () => {
    const { refresh_token } = await directSignIn()
    const { body: narrow } = await postJson(gateway, '/oauth/token', {
      grant_type: 'refresh_token',
      refresh_token,
      client_id: 'lanonasis-cli',
      scope: 'memories:read',
      resource: gateway.url,
    })
    const opened = await get('/v1/auth/resolve?client_id=lanonasis-repl-cli', narrow.access_token)
    expect(opened).toMatchObject({ status: 200, body: { scope: 'memories:read' } })
    const renewed = await postJson(gateway, '/v1/auth/refresh', {}, { authorization: `Bearer ${narrow.access_token}` })
    const { body } = await post(gateway, '/oauth/introspect', { token: renewed.body.token })
    expect(body).toMatchObject({ active: true, scope: 'memories:read' })
  })

  test('an opened session ends with the one it rests on, and lives when that one is old', async () => {
    const person = await signIn(gateway)
    const [{ sid }] = await gateway.sql<[{ sid: string }]>`
      update auth_gateway.sessions set started_at = now() - interval '8 days', expires_at = now() + interval '1 hour'
      where uai = ${person.uai} returning id as sid`
    await gateway.sql`insert into auth_gateway.session_activity (session_id, last_seen_at) values (${sid}, now())`
    const cookie = `lanonasis_session=${person.browser.cookies.get('lanonasis_session')}`
    const answer = await fetch(`${gateway.url}/v1/auth/resolve?client_id=dashboard`, { headers: { cookie } })
    const body = await answer.json()
    const [opened] = await gateway.sql`select expires_at from auth_gateway.sessions where id = ${body.session_id}`
    expect(opened?.expires_at.getTime()).toBeLessThanOrEqual(Date.now() + 3_600_000)
    expect((await get('/v1/auth/me', body.access_token)).status).toBe(200)
  })
})

describe('a form posted by a foreign page', () => {
  test('403 instead of signing the browser in as another user', async () => {
    const email = newEmail()
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const fields = { email, token: gateway.inbox.codeFor(email), platform: 'web' }
    const foreign = await post(gateway, '/v1/auth/otp/verify', fields, { origin: 'https://attacker.example' })
    expect(foreign).toMatchObject({ status: 403, body: { code: 'CSRF_INVALID' } })
    expect(foreign.headers.getSetCookie()).toEqual([])
    expect((await post(gateway, '/v1/auth/otp/verify', fields, { origin: 'null' })).status).toBe(403)
    const own = await post(gateway, '/v1/auth/otp/verify', fields, { origin: 'https://dashboard.lanonasis.com' })
    expect(own.headers.getSetCookie().join()).toContain('lanonasis_session=')
  })

  test.each(['/web/logout', '/oauth/logout', '/v1/auth/logout'])('no cookie is cleared: %s', async (path) => {
    const response = await fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'cross-site', origin: 'https://attacker.example' },
    })
    expect(response.headers.getSetCookie()).toEqual([])
  })
})

describe('tries that no code can pass', () => {
  test('400 alike for an unknown address and a spent code, counted for the caller alone', async () => {
    const [known, unknown] = [newEmail(), newEmail()]
    await directSignIn(known)
    await openLimits(gateway, 'otp-send')
    const answers = new Set<string>()
    for (const email of [known, unknown]) {
      const ip = randomIp()
      for (let n = 0; n < 12; n++) {
        const attempt = { email, token: '000000' }
        const { status, text } = await postJson(gateway, '/v1/auth/otp/verify', attempt, { 'x-real-ip': ip })
        answers.add(`${status} ${text}`)
      }
      const buckets = await gateway.sql`select bucket, count from auth_gateway.rate_limits
        where bucket = ${gateway.gateway.limiter.of('otp-try-ip', ip)[0]?.bucket ?? ''}`
      expect(buckets[0]?.count).toBe(12)
      await openLimits(gateway, 'otp-send')
      expect((await directSignIn(email)).access_token).toBeDefined()
    }
    expect([...answers]).toEqual([expect.stringMatching(/^400 /)])
  })
})

describe('input without measure', () => {
  test('a host with a semicolon adds no directive to the policy of a page', () => {
    expect(formActionSources('http://x;script-src/callback')).toEqual(['http:', 'https:'])
  })

  test('400 in a moment for twenty thousand parameters of one name', async () => {
    const startedAt = performance.now()
    const response = await fetch(`${gateway.url}/oauth/revoke`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Array(20_000).fill('a=').join('&'),
    })
    expect(response.status).toBe(400)
    expect(performance.now() - startedAt).toBeLessThan(500)
  })

  test('invalid_request for a state or nonce that is too long', async () => {
    const { browser } = await signIn(gateway)
    for (const name of ['state', 'nonce']) {
      const answer = await authorize(browser, authorizeParams(newVerifier(), { [name]: 'x'.repeat(2049) }))
      expect(answer.get('error')).toBe('invalid_request')
    }
  })
})
