import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { api, type Body, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { IP_HEADER, useGateway } from '../support/gateway.ts'

const KEYS = '/api/v1/api-keys'
const VERIFY_KEY = '/v1/auth/verify-api-key'

const gateway = useGateway({ env: { VERIFIER_ADDRESSES: '192.0.2.0/24' } })
let ada: DirectSignIn
beforeAll(async () => {
  ada = await directSignIn(gateway)
})

const verify = (key: string, body?: object, headers?: Record<string, string>) =>
  api(gateway, 'POST', VERIFY_KEY, { key, body, headers })

describe('addresses', () => {
  const from = (ip: string) => ({ [IP_HEADER]: ip })

  test('200 from an allowed one, 403 from another, whatever address an unknown caller names', async () => {
    const { key } = await newKey(gateway, ada, { allowed_networks: ['203.0.113.0/24', '2001:db8::/32'] })
    expect((await verify(key, {}, from('203.0.113.9'))).status).toBe(200)
    expect((await verify(key, {}, from('2001:db8::1'))).status).toBe(200)
    expect(await verify(key, {}, from('198.51.100.1'))).toMatchObject({
      status: 403,
      body: { code: 'API_KEY_ADDRESS_NOT_ALLOWED' },
    })
    expect((await verify(key, { client_ip: '203.0.113.9' }, from('198.51.100.1'))).status).toBe(403)
  })

  test('200 or 403 as our own services say where it came from', async () => {
    const { key } = await newKey(gateway, ada, { allowed_networks: ['203.0.113.0/24'] })
    expect((await verify(key, { client_ip: '203.0.113.9' }, from('192.0.2.7'))).status).toBe(200)
    expect((await verify(key, { client_ip: '198.51.100.1' }, from('192.0.2.7'))).status).toBe(403)
  })

  test('403 takes none of the uses', async () => {
    const { key, id } = await newKey(gateway, ada, { allowed_networks: ['203.0.113.0/24'], max_uses: 1 })
    await verify(key, {}, from('198.51.100.1'))
    expect((await api(gateway, 'GET', `${KEYS}/${id}`, { token: ada.token })).body.data.remaining_uses).toBe(1)
  })
})

describe('binding', () => {
  const CALLER = { 'x-lanonasis-audience': 'memory-api', 'x-client-id': 'hermes', 'x-installation-id': 'i-1' }
  const BINDING = { audiences: ['memory-api'], client_id: 'hermes', installation_id: 'i-1' }

  test('200 for the caller it is bound to, 403 for another in any part', async () => {
    const { key } = await newKey(gateway, ada, { binding: BINDING })
    expect(await verify(key, undefined, CALLER)).toMatchObject({ status: 200, body: { binding: { status: 'bound' } } })
    for (const name of Object.keys(CALLER)) {
      const refused = await verify(key, undefined, { ...CALLER, [name]: 'other' })
      expect(refused).toMatchObject({ status: 403, body: { valid: false, code: 'BINDING_MISMATCH' } })
    }
    expect((await verify(key)).status).toBe(403)
  })

  const pairs: [string, () => { privateKey: KeyObject; publicKey: KeyObject }][] = [
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['EC', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
  ]

  function signed(privateKey: KeyObject, changes: Record<string, string> = {}, body = '') {
    const facts = {
      method: 'POST',
      path: VERIFY_KEY,
      timestamp: String(Math.floor(Date.now() / 1000)),
      nonce: randomBytes(12).toString('hex'),
      digest: createHash('sha256').update(body).digest('hex'),
      ...changes,
    }
    const { method, path, timestamp, nonce, digest } = facts
    const text = [method, path, timestamp, nonce, digest, 'memory-api', 'maas', 'hermes', 'i-1'].join('\n')
    const algorithm = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256'
    return {
      ...CALLER,
      'x-project-scope': 'maas',
      'x-lanonasis-timestamp': timestamp,
      'x-lanonasis-nonce': nonce,
      'x-lanonasis-content-sha256': digest,
      'x-lanonasis-signature': `v1=${sign(algorithm, Buffer.from(text), privateKey).toString('base64')}`,
    }
  }

  async function signingKey(kind = 1, more: object = {}): Promise<Body & { privateKey: KeyObject }> {
    const { privateKey, publicKey } = pairs[kind]?.[1]() ?? generateKeyPairSync('ed25519')
    const public_key_pem = publicKey.export({ type: 'spki', format: 'pem' })
    const binding = { ...BINDING, public_key_pem, require_request_signature: true }
    return { ...(await newKey(gateway, ada, { binding, ...more })), privateKey }
  }

  test.each(pairs.map(([name], index) => [name, index] as const))(
    '200 for a request signed with %s, once',
    async (_name, kind) => {
      const { key, privateKey } = await signingKey(kind)
      const headers = signed(privateKey)
      expect((await verify(key, undefined, headers)).status).toBe(200)
      expect(await verify(key, undefined, headers)).toMatchObject({ status: 401, body: { code: 'SIGNATURE_INVALID' } })
    },
  )

  test('200 for exactly one of twenty that replay a captured request at once', async () => {
    const { key, privateKey } = await signingKey()
    const headers = signed(privateKey)
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(key, undefined, headers)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(401)])
  })

  test('401 for a missing signature, another key, body, path, method, or time', async () => {
    const { key, privateKey } = await signingKey()
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const old = String(Math.floor(Date.now() / 1000) - 301)
    const refused: [string, Record<string, string>][] = [
      ['SIGNATURE_REQUIRED', CALLER],
      ['SIGNATURE_INVALID', signed(stranger)],
      ['SIGNATURE_INVALID', signed(privateKey, {}, 'another body')],
      ['SIGNATURE_INVALID', signed(privateKey, { path: '/v1/auth/verify' })],
      ['SIGNATURE_INVALID', signed(privateKey, { method: 'GET' })],
      ['SIGNATURE_INVALID', signed(privateKey, { timestamp: old })],
      ['SIGNATURE_INVALID', signed(privateKey, { timestamp: 'yesterday' })],
      ['SIGNATURE_INVALID', signed(privateKey, { nonce: 'short' })],
    ]
    for (const [code, headers] of refused) {
      const answer = await verify(key, undefined, headers)
      expect([answer.status, answer.body.code]).toEqual([401, code])
    }
    const mixed = { ...signed(privateKey), 'x-installation-id': 'i-2' }
    expect((await verify(key, undefined, mixed)).body.code).toBe('BINDING_MISMATCH')
  })

  test('200 for a request that a resource server passes on', async () => {
    const { key, privateKey } = await signingKey()
    const headers = signed(privateKey, { method: 'PUT', path: '/memories/7' }, 'its own body')
    expect((await verify(key, { method: 'PUT', path: '/memories/7' }, headers)).status).toBe(200)
    const again = signed(privateKey, { method: 'PUT', path: '/memories/7' }, 'its own body')
    expect((await verify(key, { method: 'GET', path: '/memories/7' }, again)).status).toBe(401)
  })

  test('a refused caller takes none of the uses', async () => {
    const { key, id, privateKey } = await signingKey(1, { max_uses: 2 })
    await verify(key, undefined, CALLER)
    await verify(key)
    expect((await verify(key, undefined, signed(privateKey))).status).toBe(200)
    expect((await api(gateway, 'GET', `${KEYS}/${id}`, { token: ada.token })).body.data.remaining_uses).toBe(1)
  })
})
