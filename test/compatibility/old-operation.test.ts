import { globSync } from 'node:fs'
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { api, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { IP_HEADER, randomIp, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { authorize, authorizeParams, getTokens, newVerifier, post, postJson, signIn } from '../support/sign-in.ts'

const gateway = useGateway({ countStatements: true })
let ada: DirectSignIn
beforeAll(async () => {
  ada = await directSignIn(gateway)
})
beforeEach(() => openLimits(gateway))

describe('6: robustness and performance', () => {
  test('6.30: one statement verifies a key, however many there are, and none records its use', async () => {
    const { key } = await newKey(gateway, ada)
    for (let n = 0; n < 20; n++) await newKey(gateway, ada)
    const verify = () => api(gateway, 'POST', '/v1/auth/verify-api-key', { key })
    expect((await verify()).status).toBe(200)
    gateway.takeStatements()
    expect((await verify()).status).toBe(200)
    expect(gateway.takeStatements()).toBe(1)
  })

  test('6.31: an office behind one address works, and so does everyone with the same client', async () => {
    const headers = { [IP_HEADER]: randomIp() }
    const calls = Array.from({ length: 120 }, () => api(gateway, 'GET', '/v1/auth/me', { token: ada.token, headers }))
    expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]))
    const people = await Promise.all(Array.from({ length: 8 }, () => directSignIn(gateway)))
    const refreshed = people.map(({ refreshToken: refresh_token }) =>
      post(
        gateway,
        '/oauth/token',
        { grant_type: 'refresh_token', client_id: 'lanonasis-cli', refresh_token },
        headers,
      ),
    )
    expect((await Promise.all(refreshed)).map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(await gateway.sql`select 1 from auth_gateway.rate_limits limit 1`).toHaveLength(1)
  })

  test('6.32: one UAI by code, browser, token and key', async () => {
    const person = await signIn(gateway)
    await openLimits(gateway)
    const direct = await directSignIn(gateway, person.email)
    const { access_token } = await getTokens(gateway, person)
    const { key } = await newKey(gateway, direct)
    const seen = [{ token: direct.token }, { token: access_token }, { key }].map((one) =>
      api(gateway, 'GET', '/v1/auth/resolve', one),
    )
    const uais = (await Promise.all(seen)).map(({ headers }) => headers.get('x-uai-auth-id'))
    expect(uais).toEqual(Array(3).fill(person.uai))
  })

  test('6.33: a short database outage deletes no cookie, and no answer rejects the credential', async () => {
    const { browser } = await signIn(gateway)
    const cookie = `lanonasis_session=${browser.cookies.get('lanonasis_session')}`
    const { reads } = gateway.gateway
    const away = () => Promise.reject(Object.assign(new Error('away'), { code: 'ECONNRESET' }))
    const broken = Object.assign(away, { json: reads.json, array: reads.array }) as unknown as typeof reads
    gateway.gateway.reads = broken
    const answers = [
      await api(gateway, 'GET', '/v1/auth/session/check', { headers: { cookie } }),
      await api(gateway, 'GET', '/v1/auth/me', { headers: { cookie } }),
    ]
    gateway.gateway.reads = reads
    for (const { status, headers } of answers) {
      expect(status).toBe(503)
      expect(headers.getSetCookie()).toEqual([])
    }
    expect((await api(gateway, 'GET', '/v1/auth/session/check', { headers: { cookie } })).body.authenticated).toBe(true)
  })

  test('6.34: state comes back byte by byte, and a code is found by what was issued', async () => {
    const { browser } = await signIn(gateway)
    for (const state of ['00112233445566778899aabbccddeeff', 'a.b.c', 'ä +/=&?%20 "', 'x'.repeat(500)]) {
      const verifier = newVerifier()
      const params = authorizeParams(verifier, { state })
      const answer = await authorize(browser, params)
      expect(answer.get('state')).toBe(state)
      const { client_id = '', redirect_uri = '' } = params
      const form = {
        grant_type: 'authorization_code',
        client_id,
        redirect_uri,
        code: answer.get('code') ?? '',
        code_verifier: verifier,
      }
      expect((await post(gateway, '/oauth/token', form)).status).toBe(200)
    }
  })

  test.each(['/api/v1/oauth/introspect', '//oauth/introspect', '/oauth//introspect', '/api/v1//oauth/introspect/'])(
    '6.36: 200 at %s',
    async (path) => {
      expect((await postJson(gateway, path, { token: ada.token })).body.active).toBe(true)
    },
  )

  test('6.37: the page announces a redirect to a program on the user’s own computer', async () => {
    const { browser } = await signIn(gateway)
    const page = await browser.visit(`/oauth/authorize?${new URLSearchParams(authorizeParams(newVerifier()))}`)
    expect(page.html).toContain('a program on this computer')
  })

  test('6.38: one database, what is written is read at once, and no compiled file is next to its source', async () => {
    const { id } = await newKey(gateway, ada)
    expect((await api(gateway, 'GET', `/api/v1/api-keys/${id}`, { token: ada.token })).status).toBe(200)
    expect(globSync('{netlify,shared}/**/*.{js,js.map,d.ts}')).toEqual([])
    const { variables } = await import('../../shared/config.ts')
    expect(Object.keys(variables).filter((name) => /REDIS|NEON|SERVICE_ROLE/.test(name))).toEqual([])
  })
})

test('5.9.3: 5xx for trouble of ours at verify-token, which the CLI bridges, never valid: false', async () => {
  const down = Object.assign(new Error('down'), { code: 'ECONNREFUSED' })
  const spy = vi.spyOn(gateway.gateway.jwts, 'readAccessToken').mockRejectedValue(down)
  const { status, body } = await postJson(gateway, '/v1/auth/verify-token', { token: ada.token })
  spy.mockRestore()
  expect(status).toBe(503)
  expect(body).not.toHaveProperty('valid')
})
