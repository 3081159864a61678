import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { countEverything, serveMetrics } from '../netlify/metrics.ts'
import { newEmail, useGateway } from './support/gateway.ts'
import { getTokens, NATIVE, post, postJson, signIn } from './support/sign-in.ts'

const TOKEN = 'a token for the scraper'
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
type Attribute = { key: string; value: { stringValue?: string; intValue?: number } }
type SpanSeen = {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  kind: number
  attributes: Attribute[]
}

const lines: Record<string, unknown>[] = []
const received: string[] = []
let collector: Server
let metrics: Server

const spans = (): SpanSeen[] =>
  received.flatMap((text) =>
    JSON.parse(text).resourceSpans.flatMap((one: { scopeSpans: { spans: SpanSeen[] }[] }) =>
      one.scopeSpans.flatMap((scope) => scope.spans),
    ),
  )
const attributesOf = (span: SpanSeen | undefined) =>
  Object.fromEntries(span?.attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]) ?? [])
const port = (server: Server) => (server.address() as AddressInfo).port

async function scrape(authorization = `Bearer ${TOKEN}`) {
  const response = await fetch(`http://127.0.0.1:${port(metrics)}/metrics`, { headers: { authorization } })
  return { status: response.status, text: await response.text() }
}

/** The sum of all series of a metric that have these labels. */
async function count(name: string, labels: Record<string, string>): Promise<number> {
  const { text } = await scrape()
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .filter((line) => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

beforeAll(async () => {
  for (const method of ['log', 'error'] as const)
    vi.spyOn(console, method).mockImplementation((line) => lines.push(JSON.parse(line)))
  collector = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    if (request.url === '/v1/traces' && request.headers['content-type'] === 'application/json') received.push(text)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  metrics = serveMetrics(countEverything({ reads: 3, writes: 4 }), { port: 0, host: '127.0.0.1', token: TOKEN })
  await once(metrics, 'listening')
})
afterAll(() => {
  metrics?.close()
  collector?.close()
  vi.restoreAllMocks()
})
const gateway = useGateway(() => ({
  env: {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port(collector)}`,
    LOG_LEVEL: 'info',
    NODE_ENV: 'development',
  },
}))

describe('metrics', () => {
  test('401 without the token, 404 for every other path', async () => {
    expect((await scrape('Bearer wrong')).status).toBe(401)
    expect((await fetch(`http://127.0.0.1:${port(metrics)}/`)).status).toBe(404)
  })

  test('count requests, refusals, events, sign-ins, deliveries and statements', async () => {
    const person = await signIn(gateway)
    const tokens = await getTokens(gateway, person)
    await post(gateway, '/oauth/token', { grant_type: 'refresh_token', ...NATIVE, refresh_token: tokens.refresh_token })
    await post(gateway, '/oauth/token', { grant_type: 'refresh_token', ...NATIVE, refresh_token: 'unknown' })
    expect(await count('auth_gateway_request_seconds_count', { method: 'POST', route: '/oauth/token' })).toBe(3)
    expect(await count('auth_gateway_refusals_total', { status: '400' })).toBe(1)
    expect(await count('auth_gateway_events_total', { type: 'RefreshTokenRotated' })).toBe(1)
    expect(await count('auth_gateway_sign_ins_total', { method: 'otp' })).toBeGreaterThanOrEqual(1)
    expect(await count('auth_gateway_delivery_seconds_count', { outcome: 'accepted' })).toBe(1)
    expect(await count('auth_gateway_statement_seconds_count', { pool: 'writes', outcome: 'done' })).toBeGreaterThan(3)
    expect(await count('auth_gateway_pool_statements', { pool: 'reads' })).toBe(0)
    expect(await count('auth_gateway_pool_size', { pool: 'writes' })).toBe(4)
  })

  test('429 is counted as a limit', async () => {
    const email = newEmail()
    for (let n = 0; n < 2; n++) await postJson(gateway, '/v1/auth/otp/send', { email })
    expect(await count('auth_gateway_refusals_total', { status: '429' })).toBe(1)
  })

  test('grow no series by what callers make up', async () => {
    const series = async () =>
      (await scrape()).text.split('\n').filter((line) => line.startsWith('auth_gateway_')).length
    await fetch(`${gateway.url}/nowhere`)
    const before = await series()
    for (const path of ['/made-up-1', '/made-up-2?x=1']) await fetch(`${gateway.url}${path}`)
    expect(await series()).toBe(before)
  })
})

describe('traces', () => {
  const traced = (path: string, flags = '01', trace = TRACE) =>
    fetch(`${gateway.url}${path}`, { headers: { traceparent: `00-${trace}-00f067aa0ba902b7-${flags}` } })

  test('go on from the caller, through statements, into the log', async () => {
    const mine = () => spans().filter(({ traceId }) => traceId === TRACE)
    const heartbeat = () =>
      mine().find((one) => attributesOf(one)['db.query.text'] === 'select auth_gateway.beat() as now')
    // A process writes one heartbeat a second at most, for all that ask.
    const asked = async () => {
      await traced('/ready')
      return heartbeat()
    }
    await expect.poll(asked, { timeout: 8_000, interval: 500 }).toBeDefined()
    const beat = heartbeat()
    const request = mine().find(({ spanId }) => spanId === beat?.parentSpanId)
    expect([beat?.name, request?.name]).toEqual(['reads', 'GET /ready'])
    expect(request).toMatchObject({ parentSpanId: '00f067aa0ba902b7' })
    expect(attributesOf(request)).toMatchObject({ 'http.route': '/ready', 'http.response.status_code': 200 })
    expect(lines.find(({ trace_id }) => trace_id === TRACE)).toMatchObject({
      route: '/ready',
      request_id: expect.any(String),
    })
  })

  test('go on into the edge functions', async () => {
    const email = newEmail()
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const [, traceId, spanId] = gateway.inbox.sent.find(({ to }) => to === email)?.traceparent?.split('-') ?? []
    await expect
      .poll(() => spans().find((span) => span.spanId === spanId))
      .toMatchObject({
        name: 'POST /functions/v1/send-otp-email',
        traceId,
      })
  })

  test('omit what the caller does not trace, and ignore an invalid header', async () => {
    const untraced = 'a'.repeat(32)
    await traced('/ready', '00', untraced)
    await traced('/ready', '01', '0'.repeat(32))
    await traced('/health')
    await expect.poll(() => spans().some(({ name }) => name === 'GET /health')).toBe(true)
    expect(spans().filter(({ traceId }) => traceId === untraced || /^0+$/.test(traceId))).toEqual([])
  })

  test('and logs hold no address, code, token or caller', async () => {
    const person = await signIn(gateway)
    const tokens = await getTokens(gateway, person)
    await traced('/health')
    const secrets = [
      person.email,
      gateway.inbox.codeFor(person.email),
      person.browser.ip,
      tokens.access_token,
      tokens.refresh_token,
    ]
    await expect.poll(() => spans().some(({ name }) => name === 'POST /oauth/token')).toBe(true)
    const telemetry = [...received, ...lines.map((line) => JSON.stringify(line)), (await scrape()).text].join('\n')
    expect(secrets.filter((secret) => new RegExp(`\\b${secret.replace(/[^\w]/g, '\\$&')}\\b`).test(telemetry))).toEqual(
      [],
    )
  })
})

test('Server-Timing shows the database time in development', async () => {
  const response = await fetch(`${gateway.url}/ready`)
  expect(response.headers.get('server-timing')).toMatch(/^total;dur=[\d.]+, db;dur=[\d.]+;desc="\d+ statements"$/)
})
