import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import maintenance from '../../netlify/functions/maintenance.ts'
import { newApiKey } from '../../shared/tokens/api-key.ts'
import { api, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { eventsOf, IP_HEADER, randomIp, useGateway } from '../support/gateway.ts'
import { withClockAhead } from '../support/time.ts'

const scanner = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })

let keyList: Server
let keyListIsDown = false
let ada: DirectSignIn
beforeAll(async () => {
  const pem = scanner.publicKey.export({ type: 'spki', format: 'pem' })
  keyList = createServer((_request, response) => {
    if (keyListIsDown) return response.writeHead(500).end()
    return response.end(JSON.stringify({ public_keys: [{ key_identifier: 'scan-1', key: pem, is_current: true }] }))
  })
  await new Promise<void>((resolve) => keyList.listen(0, '127.0.0.1', resolve))
})
afterAll(() => void keyList?.close())
const gateway = useGateway(() => ({
  env: { LEAK_SCANNER_KEYS_URL: `http://127.0.0.1:${(keyList.address() as AddressInfo).port}/keys` },
}))
beforeAll(async () => {
  ada = await directSignIn(gateway)
})

const finding = (token: string) => ({
  token,
  type: 'lanonasis_api_key',
  url: 'https://example.com/repo/blob/1',
  source: 'content',
})

function report(
  body: string,
  { id = 'scan-1', signature = signatureOf(body) }: { id?: string; signature?: string } = {},
) {
  const headers = {
    'content-type': 'application/json',
    'github-public-key-identifier': id,
    'github-public-key-signature': signature,
    [IP_HEADER]: randomIp(),
  }
  return api(gateway, 'POST', '/v1/keys/leaked', { body, headers })
}
const signatureOf = (body: string, key = scanner.privateKey) =>
  sign('sha256', Buffer.from(body), key).toString('base64')
const found = (...tokens: string[]) => report(JSON.stringify(tokens.map(finding)))
const verify = (key: string) => api(gateway, 'POST', '/v1/auth/verify-api-key', { key })
const noticesTo = (email: string) =>
  gateway.inbox.sent.filter(({ to, body }) => to === email && body.type === 'notice.email')
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5000 })
const typesOf = async (id: string) => (await eventsOf(gateway, 'api_key', id)).map(({ event_type }) => event_type)

describe('a report of the scanner', () => {
  test('200: the found key is refused by the next request, its owner is notified once, and the answer repeats no key', async () => {
    const key = await newKey(gateway, ada, { name: 'Laptop' })
    const made = newApiKey().key
    const { status, body } = await found(key.key, made)
    expect(status).toBe(200)
    const hash = (token: string) => createHash('sha256').update(token).digest('base64')
    expect(body).toEqual([
      { token_hash: hash(key.key), token_type: 'lanonasis_api_key', label: 'true_positive' },
      { token_hash: hash(made), token_type: 'lanonasis_api_key', label: 'false_positive' },
    ])
    expect((await verify(key.key)).status).toBe(401)
    await eventually(() => expect(noticesTo(ada.email)).toHaveLength(1))
    expect(noticesTo(ada.email)[0]?.body).toMatchObject({
      kind: 'api_key_leaked',
      key_name: 'Laptop',
      key_preview: key.key_preview,
      manage_url: `${gateway.url}/account/api-keys`,
    })
    const shown = await api(gateway, 'GET', `/api/v1/api-keys/${key.id}`, { token: ada.token })
    expect(shown.body.data).toMatchObject({ status: 'quarantined', is_active: false })
    const stored = JSON.stringify(await eventsOf(gateway, 'api_key', key.id))
    expect(stored).not.toContain('example.com/repo')
  })

  test('200 again for the same report, which changes nothing and sends nothing', async () => {
    const bob = await directSignIn(gateway)
    const key = await newKey(gateway, bob)
    const answers = await Promise.all(Array.from({ length: 20 }, () => found(key.key)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    await vi.waitFor(async () => expect(await typesOf(key.id)).toContain('ApiKeyOwnerNotified'), { timeout: 5000 })
    await found(key.key)
    expect(await typesOf(key.id)).toEqual(['ApiKeyCreated', 'ApiKeyQuarantined', 'ApiKeyOwnerNotified'])
    expect(new Set(noticesTo(bob.email).map(({ id }) => id)).size).toBe(1)
  })

  test('rotating makes the key usable again, with no grace for the one that leaked', async () => {
    const key = await newKey(gateway, ada)
    await found(key.key)
    const path = `/api/v1/api-keys/${key.id}/rotate`
    const rotated = await api(gateway, 'POST', path, { token: ada.token, body: { grace_seconds: 3600 } })
    expect((await verify(rotated.body.data.key)).status).toBe(200)
    expect((await verify(key.key)).status).toBe(401)
  })

  test.each([
    ['another key', (body: string) => ({ signature: signatureOf(body, stranger.privateKey) })],
    ['an unknown key id', () => ({ id: 'scan-9' })],
    ['no signature', () => ({ signature: '' })],
    ['nonsense', () => ({ signature: 'nonsense' })],
    ['the signature of another body', () => ({ signature: signatureOf('[]') })],
  ])('401 for %s, and nothing happens to the key', async (_name, wrong) => {
    const key = await newKey(gateway, ada)
    const body = JSON.stringify([finding(key.key)])
    const answer = await report(body, wrong(body))
    expect([answer.status, answer.body.code]).toEqual([401, 'WEBHOOK_SIGNATURE_INVALID'])
    expect((await verify(key.key)).status).toBe(200)
  })

  test.each(['', '{}', '[]', '[{"type":"x"}]', 'nonsense', JSON.stringify(Array(101).fill(finding('x')))])(
    '400 for a body that is no report: %.20s',
    async (body) => {
      expect((await report(body)).status).toBe(400)
    },
  )
})

describe('telling the owner', () => {
  test('a mail that cannot be sent is sent by the next maintenance; two at once send one', async () => {
    const eve = await directSignIn(gateway)
    const key = await newKey(gateway, eve)
    gateway.inbox.fail({ status: 503 })
    const before = gateway.inbox.attempts
    await found(key.key)
    expect((await verify(key.key)).status).toBe(401)
    await vi.waitFor(() => expect(gateway.inbox.attempts).toBeGreaterThan(before), { timeout: 15_000 })
    gateway.inbox.recover()
    await Promise.all([maintenance(), maintenance()])
    await vi.waitFor(async () => expect(await typesOf(key.id)).toContain('ApiKeyOwnerNotified'), { timeout: 15_000 })
    expect(new Set(noticesTo(eve.email).map(({ id }) => id)).size).toBe(1)
    expect((await typesOf(key.id)).filter((type) => type === 'ApiKeyOwnerNotified')).toHaveLength(1)
  }, 40_000)

  test('a key that expires within a week is warned of, once for each date', async () => {
    const carl = await directSignIn(gateway)
    const [soon, later] = [
      await newKey(gateway, carl, { expires_in_days: 5 }),
      await newKey(gateway, carl, { expires_in_days: 30 }),
    ]
    await maintenance()
    await maintenance()
    expect(await typesOf(soon.id)).toEqual(['ApiKeyCreated', 'ApiKeyExpiryWarned', 'ApiKeyOwnerNotified'])
    expect(await typesOf(later.id)).toEqual(['ApiKeyCreated'])
    expect(noticesTo(carl.email).map(({ body }) => [body.kind, body.expires_at])).toEqual([
      ['api_key_expiring', soon.expires_at],
    ])
    const expires_in_days = 6
    await api(gateway, 'PUT', `/api/v1/api-keys/${soon.id}`, { token: carl.token, body: { expires_in_days } })
    await maintenance()
    expect(noticesTo(carl.email)).toHaveLength(2)
    expect((await verify(soon.key)).status).toBe(200)
  })
})

test('503 with Retry-After while the scanner’s keys cannot be read', async () => {
  keyListIsDown = true
  const other = await import('../../shared/api-keys/scanner-keys.ts')
  const message = { body: '[]', keyId: 'scan-1', signature: signatureOf('[]') }
  const checked = withClockAhead(3_600_000, () => other.checkScannerSignature(gateway.gateway, message))
  try {
    await expect(checked).rejects.toMatchObject({ refusal: 'service_unavailable', options: { retryAfter: 60 } })
  } finally {
    keyListIsDown = false
  }
})
