import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { audit } from '../../scripts/audit.ts'
import { signS3Request } from '../../scripts/lib/s3-signature.ts'
import { makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { readTilePath, tilePath, tilesBetween } from '../../shared/audit/public-tiles.ts'
import { useGateway } from '../support/gateway.ts'
import { settled } from '../support/settle.ts'

const gateway = useGateway()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'public-log-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Appends as many events as given, and a checkpoint over them. */
async function grow(count: number): Promise<void> {
  const appends = Array.from({ length: count }, () => {
    const id = crypto.randomUUID()
    const data = { kind: 'team', owner: id }
    const event = { event_id: crypto.randomUUID(), event_type: 'OrganizationCreated', schema_version: 1, data }
    return {
      stream_type: 'organization',
      stream_id: id,
      expected_version: 0,
      events: [{ ...event, metadata: {} }],
    }
  })
  await gateway.sql`select auth_gateway.append_events(${JSON.stringify(appends)}::text::jsonb)`
  await settled(gateway)
  await makeCheckpoints(gateway.gateway)
}

const get = (name: string) => fetch(`${gateway.url}/audit/${name}`)
const bytesOf = async (name: string) => Buffer.from(await (await get(name)).arrayBuffer())
const sha256 = (...parts: (string | Uint8Array)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()

/** The root over leaves, as RFC 6962 section 2.1 defines it. */
function rootOver(leaves: Buffer[]): Buffer {
  if (leaves.length <= 1) return leaves[0] ?? sha256('')
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1)
  return sha256('\x01', rootOver(leaves.slice(0, half)), rootOver(leaves.slice(half)))
}
const hashesIn = (tile: Buffer) =>
  Array.from({ length: tile.length / 32 }, (_, n) => tile.subarray(n * 32, n * 32 + 32))

const terminal = (env: NodeJS.ProcessEnv = {}) => {
  const lines: string[] = []
  const line = (text: string) => void lines.push(text)
  const DATABASE_MIGRATION_URL = gateway.gateway.config.DATABASE_URL
  return { lines, env: { DATABASE_MIGRATION_URL, ...env }, out: line, err: line }
}
const publish = async (to: string, env: NodeJS.ProcessEnv = {}) => {
  const at = terminal(env)
  return { code: await audit(['publish', '--to', to], at), said: at.lines.join('\n') }
}

test('tiles have the paths of C2SP tlog-tiles', () => {
  expect(tilePath({ level: 0, index: 1234067, width: 256 })).toBe('tile/0/x001/x234/067')
  expect(readTilePath('tile/0/x001/x234/067.p/12')).toEqual({ level: 0, index: 1234067, width: 12 })
  for (const other of ['0/67', '0/0067', '00/067', '0/067.p/0', '0/067.p/256', '0/067.p/01', '0/x000/067', '0/001/067'])
    expect(readTilePath(`tile/${other}`)).toBeUndefined()
  const widths = tilesBetween(0, 70_000).filter(({ width }) => width < 256)
  expect(widths.map(({ level, width }) => [level, width])).toEqual([
    [0, 112],
    [1, 17],
    [2, 1],
  ])
  expect(tilesBetween(0, 70_000).length).toBe(277)
  expect(tilesBetween(256, 256)).toEqual([])
})

test('requests to buckets are signed as in the example of the S3 documentation', () => {
  const credentials = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    region: 'us-east-1',
  }
  const url = new URL('https://examplebucket.s3.amazonaws.com/test.txt')
  const now = new Date('2013-05-24T00:00:00Z')
  const { authorization } = signS3Request(credentials, { method: 'GET', url, headers: { range: 'bytes=0-9' }, now })
  expect(authorization?.split('Signature=')[1]).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41')
})

test('404 before the first checkpoint, and nothing is published', async () => {
  expect((await get('checkpoint')).status).toBe(404)
  expect(await publish(folder)).toEqual({ code: 1, said: 'No checkpoint exists yet' })
})

test('200 for every tile of the checkpoint, whose root they have', async () => {
  await grow(300)
  const response = await get('checkpoint')
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  const [origin, size, root] = (await response.text()).split('\n')
  expect(origin).toBe(`${new URL(gateway.url).host}/audit`)
  const width = Number(size) - 256
  const full = await get('tile/0/000')
  expect(full.headers.get('content-type')).toBe('application/octet-stream')
  expect(full.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  const leaves = [
    ...hashesIn(Buffer.from(await full.arrayBuffer())),
    ...hashesIn(await bytesOf(`tile/0/001.p/${width}`)),
  ]
  expect(leaves.length).toBe(Number(size))
  expect(rootOver(leaves).toString('base64')).toBe(root)
  expect(await bytesOf('tile/1/000.p/1')).toEqual(rootOver(leaves.slice(0, 256)))
})

test('a partial tile stays the same while the log grows; 404 for one that the log does not have', async () => {
  const before = await bytesOf('tile/0/001.p/20')
  await grow(5)
  expect(await bytesOf('tile/0/001.p/20')).toEqual(before)
  for (const name of [
    'tile/0/001',
    'tile/0/001.p/255',
    'tile/0/002.p/1',
    'tile/9/000',
    'tile/0/1',
    'tile/0/..%2f000',
  ]) {
    const response = await get(name)
    expect([name, response.status, response.headers.get('cache-control')]).toEqual([name, 404, 'no-store'])
  }
})

test('a copy in a folder has the same bytes, and only new tiles are written again', async () => {
  expect((await publish(folder)).said).toMatch(/^published the checkpoint of \d+ events, with 3 new tiles$/)
  expect(await readFile(path.join(folder, 'checkpoint'), 'utf8')).toBe(await (await get('checkpoint')).text())
  expect(await readFile(path.join(folder, 'tile/0/000'))).toEqual(await bytesOf('tile/0/000'))
  expect((await publish(folder)).said).toMatch(/with 0 new tiles$/)
  await grow(1)
  expect((await publish(folder)).said).toMatch(/with 1 new tiles$/)
})

test('a copy in a bucket is written by signed requests, the checkpoint last', async () => {
  const stored = new Map<string, Buffer>()
  const bucket = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const body = Buffer.concat(parts)
    const url = request.url ?? ''
    const hash = request.headers['x-amz-content-sha256']
    const isSigned = /^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/eu-x\/s3\/aws4_request/.test(
      request.headers.authorization ?? '',
    )
    if (!isSigned || hash !== sha256(body).toString('hex')) return void response.writeHead(403).end()
    if (request.method === 'PUT') stored.set(url, body)
    response.writeHead(stored.has(url) ? 200 : 404).end(stored.get(url))
  })
  await new Promise<void>((resolve) => bucket.listen(0, '127.0.0.1', resolve))
  const { port } = bucket.address() as { port: number }
  const to = `http://127.0.0.1:${port}/logs/audit/`
  const keys = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-x' }
  expect((await publish(to)).said).toBe(
    'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the bucket, and AWS_REGION',
  )
  expect((await publish(to, keys)).code).toBe(0)
  expect((await publish(to, keys)).said).toMatch(/with 0 new tiles$/)
  expect(stored.size).toBe(4)
  expect([...stored.keys()].at(-1)).toBe('/logs/audit/checkpoint')
  expect(stored.get('/logs/audit/tile/0/000')).toEqual(await bytesOf('tile/0/000'))
  expect((await publish(to, { ...keys, AWS_REGION: 'other' })).code).toBe(1)
  bucket.close()
})

test('a rewritten or rolled-back log is not published over the copy', async () => {
  const copy = await readFile(path.join(folder, 'checkpoint'), 'utf8')
  const [{ hashes } = { hashes: Buffer.alloc(0) }] =
    await gateway.sql`select hashes from auth_gateway.audit_tiles where level = 0 and index = 1`
  const forged = Buffer.from(hashes)
  forged[0] = (forged[0] ?? 0) ^ 1
  await gateway.sql`update auth_gateway.audit_tiles set hashes = ${forged} where level = 0 and index = 1`
  const rewritten = await publish(folder)
  expect(rewritten.code).toBe(1)
  expect(rewritten.said).toMatch(/are not those that were published: the log was rewritten$/)
  await gateway.sql`update auth_gateway.audit_tiles set hashes = ${hashes} where level = 0 and index = 1`
  await gateway.sql`delete from auth_gateway.audit_checkpoints where size = (select max(size) from auth_gateway.audit_checkpoints)`
  const back = await publish(folder)
  expect(back.code).toBe(1)
  expect(back.said).toMatch(/it was rolled back$/)
  expect(await readFile(path.join(folder, 'checkpoint'), 'utf8')).toBe(copy)
})
