import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { guardedFetch } from '../../shared/http/guarded-fetch.ts'
import { isPublicAddress } from '../../shared/http/public-address.ts'

const OPTIONS = { maxBytes: 1000, timeoutMs: 400, accept: 'application/json', allowLoopback: true }
const STRICT = { ...OPTIONS, allowLoopback: false }

let server: Server
let base: string
let asked: string[] = []
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.headers.accept}`)
    const path = request.url
    if (path === '/redirect') response.writeHead(302, { location: `${base}/ok` }).end()
    else if (path === '/large') response.end('x'.repeat(1001))
    else if (path === '/drip') response.write('{')
    else if (path === '/silent') return
    else if (path === '/missing') response.writeHead(404).end('{}')
    else {
      const headers = { 'content-type': 'Application/JSON; charset=utf-8', 'cache-control': 'max-age=60' }
      response.writeHead(200, headers).end('{"ok":true}')
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

test('a document with its type and how long it may be kept', async () => {
  asked = []
  const { body, headers: _headers, ...rest } = await guardedFetch(`${base}/ok`, OPTIONS)
  expect(rest).toEqual({ status: 200, contentType: 'application/json', maxAge: 60 })
  expect(body.toString()).toBe('{"ok":true}')
  expect(asked).toEqual(['application/json'])
})

test('a redirect is an answer, not a way', async () => {
  asked = []
  expect((await guardedFetch(`${base}/redirect`, OPTIONS)).status).toBe(302)
  expect(asked).toHaveLength(1)
  expect((await guardedFetch(`${base}/missing`, OPTIONS)).status).toBe(404)
})

test.each([
  ['large', 'refused'],
  ['drip', 'failed'],
  ['silent', 'failed'],
])('refused or failed in time: /%s', async (path, kind) => {
  const startedAt = performance.now()
  await expect(guardedFetch(`${base}/${path}`, OPTIONS)).rejects.toMatchObject({ name: 'GuardedFetchError', kind })
  expect(performance.now() - startedAt).toBeLessThan(2000)
})

describe('refused before anything is asked', () => {
  test.each([
    'not a url',
    'ftp://example.com/',
    'file:///etc/passwd',
    'http://example.com/',
    'https://user:secret@example.com/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0.0.0.0/',
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[::ffff:a00:1]/',
    'https://[64:ff9b::a00:1]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://[2002:a00:1::]/',
  ])('%s', async (url) => {
    await expect(guardedFetch(url, STRICT)).rejects.toMatchObject({ name: 'GuardedFetchError', kind: 'refused' })
  })

  test('a name that leads inside, and one that does not exist, look the same', async () => {
    const seen = await Promise.all(
      ['https://localhost/', 'https://nowhere.invalid/'].map((url) =>
        guardedFetch(url, { ...STRICT, timeoutMs: 3000 }).catch(({ kind, message }) => ({ kind, message })),
      ),
    )
    const failed = { kind: 'failed', message: 'the URL could not be fetched' }
    expect(seen).toEqual([failed, failed])
  })

  test('also where loopback is allowed, everything but loopback', async () => {
    for (const url of ['https://10.0.0.1/', 'http://169.254.169.254/', 'https://[fd00::1]/'])
      await expect(guardedFetch(url, OPTIONS)).rejects.toMatchObject({ kind: 'refused' })
  })
})

test.each([
  ['93.184.216.34', true],
  ['2606:2800:220:1::1', true],
  ['2001:4860:4860::8888', true],
  ['127.0.0.1', false],
  // Azure's wire server, which answers its own machines only.
  ['168.63.129.16', false],
  // Instance metadata of Alibaba, Oracle, Amazon and Google.
  ['100.100.100.200', false],
  ['192.0.0.192', false],
  ['fd00:ec2::254', false],
  ['fd20:ce::254', false],
  // Outside of 2000::/3, and special-use inside of it.
  ['200::1', false],
  ['4000::1', false],
  ['fec0::1', false],
  ['::7f00:1', false],
  ['::808:808', false],
  ['2001:db8::1', false],
  ['2001::1', false],
  ['2001:10::1', false],
  ['2001:2::1', false],
  ['3fff::1', false],
  ['5f00::1', false],
  ['nonsense', false],
])('%s is public: %s', (address, expected) => {
  expect(isPublicAddress(address, false)).toBe(expected)
})
