import { beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { createApp } from '../../shared/http/app.ts'
import { type ReadOptions, readBody, readQuery, refuseQuery } from '../../shared/http/body.ts'
import { openToAll } from '../../shared/http/route.ts'

const schema = z.object({
  email: z.string('missing_email').check(z.email('invalid_email')).optional(),
  code: z.string().optional(),
  resource: z.array(z.string()).optional(),
})
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

beforeAll(() => {
  process.env.DATABASE_URL = 'postgres://app@localhost/gateway'
  process.env.LOG_LEVEL = 'silent'
})

type Answer = { status: number; body: Record<string, unknown> }

async function send(
  init: RequestInit,
  options?: ReadOptions,
  path = '/v1/auth/x',
  using: z.ZodType = schema,
): Promise<Answer> {
  const app = createApp('api')
  app.route('POST', '/v1/auth/x', { authority: openToAll })(async (c) => {
    refuseQuery(c, ['code', 'client_secret'])
    return c.json((await readBody(c, using, options)) as object)
  })
  app.route('GET', '/v1/auth/x', { authority: openToAll })((c) => c.json(readQuery(c, schema, options)))
  const response = await app.request(path, init)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
const post = (type: string | undefined, body: string | undefined, options?: ReadOptions) =>
  send({ method: 'POST', body, headers: type ? { 'content-type': type } : {} }, options)

describe('a body that is accepted', () => {
  test.each<[string, string | undefined, string | undefined, object]>([
    ['nothing at all', undefined, undefined, {}],
    ['an empty JSON body', JSON_TYPE, '', {}],
    ['an empty form', FORM_TYPE, '', {}],
    ['blanks', JSON_TYPE, ' \n', {}],
    ['JSON', 'application/json; charset=utf-8', '{"code":"1"}', { code: '1' }],
    ['a JSON dialect', 'application/vnd.api+json', '{"code":"1"}', { code: '1' }],
    ['a form', `${FORM_TYPE};charset=UTF-8`, 'code=a%20b+c', { code: 'a b c' }],
    ['empty form values as omitted', FORM_TYPE, 'code=&email=', {}],
    ['empty and null JSON values as omitted', JSON_TYPE, '{"code":"","email":null}', {}],
    ['unknown parameters, repeated too', FORM_TYPE, 'code=1&vendor=a&vendor=b', { code: '1' }],
    ['__proto__ as any unknown name', JSON_TYPE, '{"code":"1","__proto__":{"admin":true}}', { code: '1' }],
    ['__proto__ in a form', FORM_TYPE, 'code=1&__proto__=x&constructor=y', { code: '1' }],
  ])('200 for %s', async (_, type, body, expected) => {
    expect(await post(type, body)).toEqual({ status: 200, body: expected })
  })

  test.each([
    [FORM_TYPE, 'resource=a&resource=b', ['a', 'b']],
    [FORM_TYPE, 'resource=a', ['a']],
    [FORM_TYPE, 'resource=&resource=b', ['b']],
    [JSON_TYPE, '{"resource":"a"}', ['a']],
    [JSON_TYPE, '{"resource":["a","b"]}', ['a', 'b']],
  ])('200 with a repeatable parameter as an array: %s %s', async (type, body, resource) => {
    expect(await post(type, body, { repeatable: ['resource'] })).toEqual({ status: 200, body: { resource } })
  })

  test('leaves Object.prototype alone', async () => {
    await post(JSON_TYPE, '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})

describe('a body that is refused', () => {
  test.each([
    ['broken JSON', JSON_TYPE, '{"code":'],
    ['a JSON array', JSON_TYPE, '[]'],
    ['a JSON string', JSON_TYPE, '"code"'],
    ['JSON null', JSON_TYPE, 'null'],
    ['NUL in JSON', JSON_TYPE, '{"code":"a\\u0000"}'],
    ['NUL in a JSON name', JSON_TYPE, '{"a\\u0000":1}'],
    ['NUL below', JSON_TYPE, '{"x":{"y":["a\\u0000"]}}'],
    ['a lone surrogate', JSON_TYPE, '{"code":"\\ud800"}'],
    ['NUL in a form', FORM_TYPE, 'code=%00'],
  ])('400 INVALID_BODY for %s', async (_, type, body) => {
    const answer = await post(type, body)
    expect([answer.status, answer.body.code]).toEqual([400, 'INVALID_BODY'])
  })

  test.each(['text/plain', 'multipart/form-data; boundary=x', 'application/xml', 'application/jsonp'])(
    '415 for %s',
    async (type) => {
      const answer = await post(type, '{"code":"1"}')
      expect([answer.status, answer.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
    },
  )

  test('400 with field and message for a parameter given twice (OAuth 2.1 section 3.2)', async () => {
    const answer = await post(FORM_TYPE, 'code=1&code=')
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST', details: { code: ['was given more than once'] } },
    })
  })

  test.each([['12'], ['true'], ['[]'], ['{"a":1}']])(
    '400 for the JSON value %s where a string belongs',
    async (value) => {
      const answer = await post(JSON_TYPE, `{"code":${value}}`)
      expect([answer.status, answer.body.code]).toEqual([400, 'INVALID_REQUEST'])
      expect(Object.keys(answer.body.details as object)).toEqual(['code'])
    },
  )

  test('400 says which fields are missing', async () => {
    const answer = await send({ method: 'POST' }, undefined, undefined, z.object({ a: z.string(), b: z.string() }))
    expect(answer.body.details).toEqual({ a: ['is required'], b: ['is required'] })
  })

  test('400 becomes the refusal that the schema names', async () => {
    expect((await post(JSON_TYPE, '{"email":5}')).body.code).toBe('MISSING_EMAIL')
    expect((await post(JSON_TYPE, '{"email":"nobody"}')).body.code).toBe('INVALID_EMAIL')
  })

  test('400 names the parameters that must not be in the URL, without their value', async () => {
    const answer = await send({ method: 'POST' }, undefined, '/v1/auth/x?code=hunter2')
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
    expect(answer.body.details).toEqual({ code: ['must not be in the URL'] })
    expect(JSON.stringify(answer)).not.toContain('hunter2')
  })
})

describe('a query', () => {
  test('200 under the same rules', async () => {
    expect(await send({}, { repeatable: ['resource'] }, '/v1/auth/x?code=1&email=&resource=a&v=1&v=2')).toEqual({
      status: 200,
      body: { code: '1', resource: ['a'] },
    })
  })

  test('400 for a parameter given twice', async () => {
    expect(await send({}, undefined, '/v1/auth/x?code=1&code=1')).toMatchObject({ status: 400 })
  })
})

describe('the size of a body', () => {
  const big = JSON.stringify({ code: 'x'.repeat(70_000) })

  test('413 PAYLOAD_TOO_LARGE past 64 KB', async () => {
    const answer = await post(JSON_TYPE, big)
    expect([answer.status, answer.body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
  })

  test('413 for a stream that turns out too long', async () => {
    const body = new Response(big).body
    const answer = await send({
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': JSON_TYPE },
    } as RequestInit)
    expect(answer.status).toBe(413)
  })

  test('200 just below', async () => {
    expect((await post(JSON_TYPE, JSON.stringify({ code: 'x'.repeat(65_000) }))).status).toBe(200)
  })
})
