import { beforeAll, describe, expect, test } from 'vitest'
import { api, type DirectSignIn, directSignIn } from '../support/api-keys.ts'
import { eventsOf, IP_HEADER, newEmail, useGateway } from '../support/gateway.ts'
import { fillLimits } from '../support/rows.ts'
import { createBrowser, post, postJson } from '../support/sign-in.ts'

const KEYS = '/api/v1/api-keys'

const gateway = useGateway()
let ada: DirectSignIn
beforeAll(async () => {
  ada = await directSignIn(gateway)
})

const refuse = (ip: string, token?: string) =>
  api(gateway, 'POST', KEYS, { token, body: { name: 'x', scopes: ['admin:*'] }, headers: { [IP_HEADER]: ip } })
const newest = async () => (await eventsOf(gateway, 'refused_request')).at(-1)
const recorded = async (type = 'RequestRefused') =>
  (await eventsOf(gateway, 'refused_request')).filter(({ event_type }) => event_type === type)

describe('a refused request', () => {
  test('403 is recorded with caller and request, without the request’s content', async () => {
    expect((await refuse('198.18.1.1', ada.token)).status).toBe(403)
    const [row] = await gateway.sql`select * from auth_gateway.refused_requests where uai = ${ada.uai}`
    expect(row).toMatchObject({
      method: 'POST',
      route: '/v1/auth/api-keys',
      refusal: 'SCOPE_NOT_ALLOWED',
      client_id: 'lanonasis-cli',
      count: 1,
    })
    expect(JSON.stringify(await eventsOf(gateway, 'refused_request'))).not.toContain(ada.token)
  })

  test('401 and 413 without a credential are recorded too, with the network, sealed', async () => {
    const huge = await api(gateway, 'POST', KEYS, { body: 'x'.repeat(70_000), headers: { [IP_HEADER]: '198.18.2.1' } })
    expect(huge.status).toBe(413)
    await refuse('198.18.2.1')
    const events = (await recorded()).slice(-2)
    expect(events.map(({ data }) => data.refusal)).toEqual(['PAYLOAD_TOO_LARGE', 'AUTH_REQUIRED'])
    for (const { data } of events) {
      expect(Object.keys(data.sealed as object)).toEqual(['network'])
      expect(JSON.stringify(data)).not.toContain('198.18.2')
    }
  })

  test('is recorded where the answer is 200 or a page', async () => {
    const email = newEmail()
    const ways: [refusal: string, work: () => Promise<unknown>][] = [
      ['OTP_INVALID', () => postJson(gateway, '/v1/auth/otp/verify', { email, token: '123456' })],
      ['AUTH_TOKEN_INVALID', () => postJson(gateway, '/v1/auth/verify-token', { token: 'a.b.c' })],
      ['AUTH_TOKEN_INVALID', () => post(gateway, '/oauth/introspect', { token: 'a.b.c' })],
      ['AUTH_TOKEN_INVALID', () => postJson(gateway, '/v1/auth/introspect', { token: 'a.b.c' })],
    ]
    for (const [refusal, work] of ways) {
      await work()
      expect((await newest())?.data.refusal).toBe(refusal)
    }
    const browser = createBrowser(gateway)
    const asked = await browser.visit(`/oauth/device?code=${'B'.repeat(4)}-${'C'.repeat(4)}`)
    expect(asked.status).toBeLessThan(500)
  })
})

describe('past a limit', () => {
  test('429 is counted, and never an event of its own', async () => {
    const email = newEmail()
    const send = () => postJson(gateway, '/v1/auth/otp/send', { email }, { [IP_HEADER]: '198.18.4.1' })
    expect([(await send()).status, (await send()).status]).toEqual([200, 429])
    const before = (await recorded('RefusalsCounted')).length
    await gateway.gateway.refusals.flush({ all: true })
    const counts = (await recorded('RefusalsCounted')).slice(before)
    expect(counts.map(({ data }) => [data.count, data.refusals])).toEqual([[1, { OTP_RATE_LIMITED: 1 }]])
    expect((await recorded()).map(({ data }) => data.refusal)).not.toContain('OTP_RATE_LIMITED')
  })

  test('the answers stay, and the records become a count of each caller', async () => {
    const before = (await recorded()).length
    const earlier = (await recorded('RefusalsCounted')).length
    const answers = await Promise.all(Array.from({ length: 70 }, (_, n) => refuse(`198.18.3.${n}`)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    expect(await recorded()).toHaveLength(before + 60)
    expect(await recorded('RefusalsCounted')).toHaveLength(earlier)
    await gateway.gateway.refusals.flush({ all: true })
    const counts = (await recorded('RefusalsCounted')).slice(earlier)
    expect(counts.map(({ data }) => [data.count, data.refusals, data.callers])).toEqual([
      [10, { AUTH_REQUIRED: 10 }, undefined],
    ])
    const [row] = await gateway.sql`select count, refusal from auth_gateway.refused_requests order by refused_at desc`
    expect(row).toEqual({ count: 10, refusal: null })
  })

  test('of all callers, each network is counted; past the limit of counts, all together', async () => {
    const limits = (rule: string) =>
      gateway.gateway.limiter.of(rule as 'refused-all', 'all').map((one) => ({ ...one, max: 1_000_000 }))
    await gateway.gateway.limiter.hit(limits('refused-all'))
    await fillLimits(gateway, 'refused-all:', 6000)
    await gateway.sql`insert into auth_gateway.rate_limits (bucket, count, expires_at)
      select bucket, 998, now() + interval '1 hour' from jsonb_to_recordset(${gateway.sql.json(limits('refused-counted'))}) as l(bucket text)
      on conflict (bucket) do update set count = 998`
    const before = [await recorded(), await recorded('RefusalsCounted')].map(({ length }) => length)
    for (let n = 0; n < 5; n += 1) for (let m = 0; m <= n; m += 1) await refuse(`198.19.${n}.1`)
    await gateway.gateway.refusals.flush({ all: true })
    expect((await recorded()).length).toBe(before[0])
    const counts = (await recorded('RefusalsCounted')).slice(before[1])
    expect(counts.map(({ data }) => [data.count, data.callers])).toEqual([
      [1, undefined],
      [2, undefined],
      [12, 3],
    ])
  })
})
