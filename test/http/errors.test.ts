import { describe, expect, test } from 'vitest'
import { catalogue, GatewayError, type Refusal, type RefusalOptions } from '../../shared/errors.ts'
import { errorDescription, renderError, toGatewayError } from '../../shared/http/render-error.ts'

const request = new Request('https://auth.example.com/oauth/token', { method: 'POST' })
const problem = new Request(request.url, { headers: { accept: 'application/problem+json' } })

async function render(dialect: 'oauth' | 'api', refusal: Refusal, options?: RefusalOptions) {
  const response = renderError(new GatewayError(refusal, options), dialect, request)
  return { status: response.status, headers: response.headers, body: await response.json() }
}

describe('the catalogue', () => {
  test.each(Object.entries(catalogue))('%s has a status, a code, an OAuth name and a sentence', (_, row) => {
    expect(row.status).toBeGreaterThanOrEqual(400)
    expect(row.code).toMatch(/^[A-Z][A-Z_]+$/)
    expect(row.oauth).toMatch(/^[a-z][a-z_]+$/)
    expect(errorDescription(row.message)).toBe(row.message)
  })

  test('uses each code once', () => {
    const codes = Object.values(catalogue).map(({ code }) => code)
    expect(new Set(codes).size).toBe(codes.length)
  })
})

describe('RFC 6749 section 5.2: the OAuth dialect', () => {
  test('400 carries error, error_description and details', async () => {
    const { status, body } = await render('oauth', 'otp_invalid', { details: { code: ['is required'] } })
    expect(status).toBe(400)
    expect(body).toEqual({
      error: 'invalid_grant',
      error_description: 'The code is wrong or has expired.',
      details: { code: ['is required'] },
    })
  })

  test('401 invalid_client has only the given challenge', async () => {
    expect((await render('oauth', 'invalid_client')).headers.get('www-authenticate')).toBeNull()
    const challenged = await render('oauth', 'invalid_client', { headers: { 'WWW-Authenticate': 'Basic realm="x"' } })
    expect(challenged.headers.get('www-authenticate')).toBe('Basic realm="x"')
  })

  test('error_description has only the characters the RFC allows', () => {
    expect(errorDescription('a "quoted" \\ back\nslash – dash é 🙂')).toBe("a 'quoted'  backslash  dash  ")
  })
})

describe('the API dialect', () => {
  test('400 carries a sentence as error and message, and the code', async () => {
    const { body } = await render('api', 'otp_invalid')
    const sentence = 'The code is wrong or has expired.'
    expect(body).toEqual({ error: sentence, code: 'OTP_INVALID', message: sentence })
  })

  test('429 says when to come back, in header and body', async () => {
    const { status, headers, body } = await render('api', 'otp_rate_limited', { retryAfter: 60 })
    expect([status, headers.get('retry-after'), body.retry_after, body.code]).toEqual([
      429,
      '60',
      60,
      'OTP_RATE_LIMITED',
    ])
    expect([headers.get('ratelimit-remaining'), headers.get('ratelimit-reset')]).toEqual(['0', '60'])
    expect(headers.get('x-ratelimit-remaining')).toBe('0')
    expect(Number(headers.get('x-ratelimit-reset')) - Date.now() / 1000).toBeCloseTo(60, -1)
  })

  test('401 carries a Bearer challenge, with an error only when a token was judged (RFC 6750 section 3.1)', async () => {
    expect((await render('api', 'token_required')).headers.get('www-authenticate')).toBe('Bearer')
    expect((await render('api', 'invalid_token')).headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    expect((await render('api', 'insufficient_scope')).headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_scope"',
    )
  })

  test('takes further members, and a reason that stays inside', async () => {
    const { body } = await render('api', 'auth_required', { body: { success: false }, reason: 'cookie expired' })
    expect(body).toEqual({
      error: 'Authentication required',
      code: 'AUTH_REQUIRED',
      message: 'Authentication required',
      success: false,
    })
  })
})

test('RFC 9457: problem details on request, whatever the dialect', async () => {
  const response = renderError(new GatewayError('conflict'), 'oauth', problem)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(await response.json()).toEqual({
    type: 'about:blank',
    title: 'Conflict',
    status: 409,
    detail: 'This conflicts with what is stored already.',
    code: 'CONFLICT',
    error: 'invalid_request',
  })
})

describe('what is thrown by accident', () => {
  const coded = (code: string) => Object.assign(new Error('connect to 10.0.0.1 as app'), { code })
  test.each([
    ['ECONNREFUSED'],
    ['ECONNRESET'],
    ['CONNECTION_CLOSED'],
    ['CONNECTION_ENDED'],
    ['CONNECTION_DESTROYED'],
    ['CONNECT_TIMEOUT'],
    ['57P01'],
    ['57P03'],
    ['53300'],
    ['08006'],
    ['57014'],
    ['UND_ERR_CONNECT_TIMEOUT'],
  ])('503 with Retry-After for %s', async (code) => {
    for (const error of [coded(code), new Error('outer', { cause: coded(code) }), new AggregateError([coded(code)])]) {
      const response = renderError(error, 'api', request)
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
      expect(await response.json()).toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    }
  })

  test('503 temporarily_unavailable in the OAuth dialect', async () => {
    expect(await renderError(coded('57P01'), 'oauth', request).json()).toMatchObject({
      error: 'temporarily_unavailable',
    })
  })

  test.each(['22021', '22P05'])('400 for text that Postgres cannot hold (%s)', (code) => {
    expect(toGatewayError(coded(code))).toMatchObject({ refusal: 'invalid_request', status: 400 })
  })

  test('409 for a stale stream', () => {
    expect(toGatewayError(coded('LA001'))).toMatchObject({ refusal: 'stale', status: 409 })
  })

  test.each([[new Error('password=hunter2')], [coded('23505')], ['hunter2'], [undefined], [null], [{ code: 5 }]])(
    '500 without a trace of %s',
    async (thrown) => {
      const response = renderError(thrown, 'api', request)
      const sentence = 'Something went wrong on our side.'
      expect(response.status).toBe(500)
      expect(await response.json()).toEqual({ error: sentence, code: 'INTERNAL_ERROR', message: sentence })
    },
  )
})
