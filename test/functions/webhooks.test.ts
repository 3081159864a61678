import { createServer, type Server } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { deliverWebhooks } from '../../shared/audit/webhook-deliveries.ts'
import { ask } from '../support/as-browser.ts'
import { useGateway } from '../support/gateway.ts'
import { signInOperator } from '../support/operators.ts'
import { settled } from '../support/settle.ts'
import { getTokens, type SignedInBrowser, signIn } from '../support/sign-in.ts'

type Delivery = { id: string; type: string; position: number; stream: string; version: number; body: string }

const gateway = useGateway()
let platform: SignedInBrowser
let admin: SignedInBrowser
let receiver: Server
let url: string
let received: Delivery[] = []
let secret = ''
let answer: (delivery: Delivery) => number = () => 204

beforeAll(async () => {
  platform = await signInOperator(gateway)
  admin = await signInOperator(gateway, 'admin')
  receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const headers = request.headers as Record<string, string>
      const keys = secret.split('|').map((one) => new Webhook(one))
      const good = keys.some((key) => {
        try {
          return key.verify(body, headers) !== undefined
        } catch {
          return false
        }
      })
      if (!good) return response.writeHead(401).end()
      const { type, data } = JSON.parse(body)
      const one = {
        id: headers['webhook-id'] ?? '',
        type,
        position: data.position,
        stream: data.stream.id,
        version: data.stream.version,
        body,
      }
      received.push(one)
      response.writeHead(answer(one)).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(receiver.address() as { port: number }).port}/webhooks`
})
afterAll(async () => {
  receiver?.close()
})

async function add(operator: SignedInBrowser, more: object = {}): Promise<string> {
  const { status, body } = await ask(gateway, operator, 'POST', '/v1/webhooks', {
    name: 'test',
    url,
    reason: 'for a test',
    ...more,
  })
  expect([status, body]).toMatchObject([201, { status: 'active', dead: 0 }])
  secret = body.secret
  return body.id
}
async function turn(): Promise<number> {
  await settled(gateway)
  return deliverWebhooks(gateway.gateway)
}
const state = async (id: string) => (await ask(gateway, platform, 'GET', `/v1/webhooks/${id}`)).body
const due = (id: string) =>
  gateway.sql`update auth_gateway.webhook_deliveries set next_at = now() where webhook_id = ${id} and status = 'waiting'`

beforeEach(async () => {
  const { webhooks } = (await ask(gateway, platform, 'GET', '/v1/webhooks')).body
  for (const { id } of webhooks) await ask(gateway, platform, 'DELETE', `/v1/webhooks/${id}`, { reason: 'next test' })
  received = []
  answer = () => 204
})

describe('deliveries', () => {
  test('are signed, once each, in the order of each stream, without anything personal', async () => {
    await add(platform, { scope: 'everything' })
    const ada = await signIn(gateway)
    await getTokens(gateway, ada)
    const taken = await Promise.all([turn(), turn(), turn()])
    expect(taken.reduce((sum, one) => sum + one, 0)).toBe(received.length)
    expect(new Set(received.map(({ id }) => id)).size).toBe(received.length)
    expect(received.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['IdentityCreated', 'SessionStarted', 'TokenFamilyStarted']),
    )
    for (const one of Map.groupBy(received, ({ stream }) => stream).values())
      expect(one.map(({ version }) => version)).toEqual(one.map(({ version }) => version).sort((a, b) => a - b))
    const text = received.map(({ body }) => body).join()
    expect(text).not.toContain(ada.email)
    expect(text).not.toMatch(/"(sealed|origin|personal|\w+Hash)":/)
    expect(await turn()).toBe(0)
  })

  test('are of the types and of the organization that were asked for', async () => {
    const id = await add(admin, { types: ['SessionStarted', 'IdentityChanged'] })
    await signIn(gateway, admin.email).catch(() => undefined)
    await signIn(gateway)
    await turn()
    const { body } = await ask(gateway, admin, 'GET', '/v1/auth/me')
    expect(received.every(({ body: text }) => JSON.parse(text).data.subject === body.id)).toBe(true)
    expect(
      received.map(({ type }) => type).filter((type) => !['SessionStarted', 'IdentityChanged'].includes(type)),
    ).toEqual([])
    expect((await state(id)).behind).toBeLessThan(50)
  })

  test('that fail hold what comes after them in their stream, and nothing else; then all arrive in order', async () => {
    const id = await add(platform, { scope: 'everything' })
    const ada = await signIn(gateway)
    let refused = 0
    answer = (one) => (one.type === 'IdentityCreated' && refused++ < 1 ? 503 : 204)
    await turn()
    const inStream = () => received.filter(({ stream }) => stream === ada.uai).map(({ type }) => type)
    expect(inStream()).toEqual(['IdentityCreated'])
    expect(received.some(({ type }) => type === 'SessionStarted')).toBe(true)
    expect(await state(id)).toMatchObject({ dead: 0 })
    expect((await state(id)).waiting).toBeGreaterThan(1)
    await turn()
    expect(inStream().length).toBe(1)
    await due(id)
    await turn()
    expect(inStream()).toEqual(['IdentityCreated', 'IdentityCreated', 'CredentialLinked'])
    expect(await state(id)).toMatchObject({ waiting: 0, dead: 0 })
  })

  test('are dead after the last attempt, listed, and delivered when they are retried', async () => {
    const id = await add(platform, { scope: 'everything', types: ['SessionStarted'] })
    await signIn(gateway)
    answer = () => 500
    for (let attempt = 0; attempt < 10; attempt++) {
      await turn()
      await due(id)
    }
    expect(await state(id)).toMatchObject({ waiting: 0, dead: 1 })
    const { deliveries } = (await ask(gateway, platform, 'GET', `/v1/webhooks/${id}/deliveries`)).body
    expect(deliveries).toMatchObject([{ type: 'SessionStarted', status: 'dead', attempts: 10, failure: 'status_500' }])
    answer = () => 204
    const path = `/v1/webhooks/${id}/deliveries/retry`
    expect((await ask(gateway, platform, 'POST', path, { reason: 'it is up again' })).body).toEqual({ retried: 1 })
    await turn()
    expect(await state(id)).toMatchObject({ waiting: 0, dead: 0, told: 1 })
  })

  test('are sent again from a position on, with the same ids', async () => {
    const id = await add(platform, { scope: 'everything' })
    await signIn(gateway)
    await turn()
    const [first] = received
    const before = received.map(({ id: one }) => one)
    received = []
    const after = String((first?.position ?? 1) - 1)
    await ask(gateway, platform, 'POST', `/v1/webhooks/${id}/replay`, { after, reason: 'lost them' })
    await turn()
    expect(received.map(({ id: one }) => one)).toEqual(expect.arrayContaining(before))
  })

  test('end where 410 is answered, as an event says', async () => {
    const id = await add(platform, { scope: 'everything', types: ['SessionStarted'] })
    await signIn(gateway)
    answer = () => 410
    await turn()
    expect(await state(id)).toMatchObject({ status: 'stopped', dead: 1 })
    const [event] =
      await gateway.sql`select metadata->>'actorType' as actor from auth_gateway.event_store where event_type = 'WebhookStopped'`
    expect(event?.actor).toBe('system')
  })

  test('are repeated when their success was not recorded', async () => {
    const id = await add(platform, { scope: 'everything', types: ['SessionStarted'] })
    await signIn(gateway)
    await settled(gateway)
    await gateway.sql`select auth_gateway.claim_webhook(${id}, 60)`
    expect(await turn()).toBe(0)
    await gateway.sql`update auth_gateway.webhook_cursors set leased_until = now()`
    expect(await turn()).toBe(1)
  })

  test('are signed with both secrets after one was replaced', async () => {
    const id = await add(platform, { scope: 'everything', types: ['SessionStarted'] })
    const older = secret
    const { body } = await ask(gateway, platform, 'POST', `/v1/webhooks/${id}/secret`, { reason: 'rotation' })
    expect(body.secret).not.toBe(older)
    await signIn(gateway)
    await turn()
    secret = body.secret
    await signIn(gateway)
    await turn()
    expect(received.length).toBe(2)
  })
})

describe('who may', () => {
  test('403 everything for the operator of one organization, 404 the webhook of another', async () => {
    const id = await add(platform, { scope: 'everything' })
    const asked = { name: 'x', url, scope: 'everything', reason: 'to see all' }
    expect((await ask(gateway, admin, 'POST', '/v1/webhooks', asked)).status).toBe(403)
    for (const [method, path, body] of [
      ['GET', ''],
      ['GET', '/deliveries'],
      ['PATCH', '', { name: 'mine', reason: 'mine now' }],
      ['DELETE', '', { reason: 'mine now' }],
      ['POST', '/secret', { reason: 'mine now' }],
      ['POST', '/replay', { after: '0', reason: 'mine now' }],
      ['POST', '/deliveries/retry', { reason: 'mine now' }],
    ] as const)
      expect((await ask(gateway, admin, method, `/v1/webhooks/${id}${path}`, body)).status, path).toBe(404)
    expect((await ask(gateway, admin, 'GET', '/v1/webhooks')).body.webhooks).toEqual([])
  })

  test('403 for a person, 401 without a credential, 403 from another page of the site, 401 from another site', async () => {
    expect((await ask(gateway, await signIn(gateway), 'GET', '/v1/webhooks')).status).toBe(403)
    expect((await fetch(`${gateway.url}/v1/webhooks`)).status).toBe(401)
    const asked = { name: 'x', url, reason: 'for a test' }
    const from = async (origin: string) => (await ask(gateway, platform, 'POST', '/v1/webhooks', asked, origin)).status
    expect([await from('http://127.0.0.1:1'), await from('https://evil.example')]).toEqual([403, 401])
  })

  test.each([
    { url: 'http://10.0.0.1/' },
    { url: 'ftp://receiver.example' },
    { url: 'https://user:secret@receiver.example' },
    { types: ['no type'] },
    { reason: '' },
  ])('400 for %j', async (wrong) => {
    const asked = { name: 'x', url, reason: 'for a test', ...wrong }
    expect((await ask(gateway, platform, 'POST', '/v1/webhooks', asked)).status).toBe(400)
  })
})
