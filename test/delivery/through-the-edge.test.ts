import { randomUUID } from 'node:crypto'
import { type AddressInfo, createServer, connect as dial } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createDelivery, type Deliver, type DeliveryMessage } from '../../shared/delivery/deliver.ts'
import { type EdgeFunctions, startEdgeFunctions } from '../support/edge.ts'
import { type ResendStandIn, startResendStandIn } from '../support/resend-stand-in.ts'

const webhookSecret = `v1,whsec_${Buffer.from('s'.repeat(32)).toString('base64')}`
let provider: ResendStandIn
let edge: EdgeFunctions
let deliver: Deliver

beforeAll(async () => {
  provider = await startResendStandIn()
  edge = await startEdgeFunctions({
    env: {
      OTP_WEBHOOK_SECRET: webhookSecret,
      RESEND_API_KEY: provider.apiKey,
      RESEND_BASE_URL: provider.url,
      OTP_EMAIL_FROM: 'LanOnasis <signin@lanonasis.com>',
    },
  })
  deliver = createDelivery({ now: () => new Date(), functionsUrl: edge.url, webhookSecret })
})
afterAll(async () => {
  await edge?.stop()
  await provider?.stop()
})
beforeEach(() => provider.reset())

const message = (): DeliveryMessage => ({
  id: randomUUID(),
  function: 'send-otp-email',
  payload: { type: 'otp.email', to: 'ada@example.com', code: '482913', expires_in: 600, origin: 'auth.lanonasis.com' },
})

it('accepted with the id of the one mail in the mailbox', async () => {
  expect(await deliver(message())).toEqual({
    status: 'accepted',
    provider: 'resend',
    providerId: provider.messages()[0]?.id,
    attempts: 1,
  })
  expect(provider.messages()).toHaveLength(1)
})

it('over connections that are kept from message to message, after failures too', async () => {
  const target = new URL(edge.url)
  let connections = 0
  const proxy = createServer((client) => {
    connections += 1
    const upstream = dial({ host: target.hostname, port: Number(target.port) })
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) socket.on('error', () => {}).on('close', () => upstream.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const functionsUrl = edge.url.replace(target.host, `127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  const send = createDelivery({ now: () => new Date(), functionsUrl, webhookSecret })
  const statuses: string[] = []
  const sendOne = async () => void statuses.push((await send(message())).status)
  await sendOne()
  await sendOne()
  const before = connections
  await sendOne()
  provider.fault({ status: 422, name: 'validation_error' })
  await sendOne()
  await sendOne()
  expect(statuses).toEqual(['accepted', 'accepted', 'accepted', 'failed', 'accepted'])
  expect(connections - before).toBe(0)
  proxy.close()
})

it.each([
  ['429', { status: 429, name: 'rate_limit_exceeded', retry_after: 1 }],
  ['500', { status: 500, name: 'internal_server_error' }],
])('accepted, one mail, when the provider answers %s first', async (_, fault) => {
  provider.fault(fault)
  expect(await deliver(message())).toMatchObject({ status: 'accepted', attempts: 2 })
  expect(provider.messages()).toHaveLength(1)
})

it('accepted, one mail, when the provider takes the message and then goes silent', async () => {
  provider.fault({ delay_ms: 6_000, after: true })
  const result = await deliver(message())
  expect(result).toEqual({
    status: 'accepted',
    provider: 'resend',
    providerId: provider.messages()[0]?.id,
    attempts: 2,
  })
  expect(provider.messages()).toHaveLength(1)
})

it('accepted with the same provider id, one mail, when the same message is delivered twice', async () => {
  const twice = message()
  const first = await deliver(twice)
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  expect(await deliver(twice)).toEqual(first)
  expect(provider.messages()).toHaveLength(1)
})

it('failed, retryable, no mail, when the provider stays down', async () => {
  provider.fault({ status: 500, times: 10 })
  expect(await deliver(message())).toMatchObject({
    status: 'failed',
    reason: 'provider_unavailable',
    retryable: true,
    retryAfter: 1,
  })
  expect(provider.messages()).toEqual([])
})

it('failed, not retryable, when the provider refuses the recipient', async () => {
  provider.fault({ status: 422, name: 'validation_error', message: 'Invalid `to` field.' })
  expect(await deliver(message())).toEqual({
    status: 'failed',
    reason: 'recipient_refused',
    retryable: false,
    attempts: 1,
  })
})

it('failed, not retryable, when the two sides have different secrets', async () => {
  const stranger = `v1,whsec_${Buffer.from('x'.repeat(32)).toString('base64')}`
  const result = await createDelivery({ now: () => new Date(), functionsUrl: edge.url, webhookSecret: stranger })(
    message(),
  )
  expect(result).toEqual({ status: 'failed', reason: 'signature_invalid', retryable: false, attempts: 1 })
})

it('failed, not retryable, when the clock of the gateway is ten minutes off', async () => {
  const now = () => new Date(Date.now() - 600_000)
  const result = await createDelivery({ functionsUrl: edge.url, webhookSecret, now })(message())
  expect(result).toEqual({ status: 'failed', reason: 'timestamp_out_of_tolerance', retryable: false, attempts: 1 })
})
