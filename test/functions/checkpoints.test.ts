import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { events } from '../../scripts/events.ts'
import { currentSigner, makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { publishCheckpoint } from '../../shared/audit/publish.ts'
import { createNoteOpener } from '../../shared/tokens/note.ts'
import { useGateway } from '../support/gateway.ts'
import { settled } from '../support/settle.ts'
import { getTokens, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'checkpoints-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const json = async (query: string) => {
  const response = await fetch(`${gateway.url}/v1/audit/${query}`)
  return { status: response.status, body: await response.json() }
}
const save = async (name: string, text: string) => {
  const file = path.join(folder, name)
  await writeFile(file, text)
  return file
}
const verifyFile = (...args: string[]) =>
  new Promise<{ code: number; answer: Record<string, unknown> & { faults: { fault: string }[] } }>((resolve) => {
    execFile(process.execPath, ['scripts/verify-export.mjs', '--json', ...args], { maxBuffer: 2 ** 26 }, (error, out) =>
      resolve({ code: error ? Number(error.code) : 0, answer: JSON.parse(out) }),
    )
  })

/** A checkpoint over everything that there is. */
async function checkpoint(): Promise<void> {
  await settled(gateway)
  await makeCheckpoints(gateway.gateway)
}

test('404 while there is no checkpoint', async () => {
  expect((await json('checkpoint')).status).toBe(404)
  expect((await json('consistency?from=1')).status).toBe(404)
  expect((await json('checkpoints')).body.checkpoints).toEqual([])
})

describe('checkpoints', () => {
  test('are signed over every settled event, by whichever of many instances comes first', async () => {
    await signIn(gateway)
    await settled(gateway)
    const taken = await Promise.all(Array.from({ length: 8 }, () => makeCheckpoints(gateway.gateway)))
    const { body } = await json('checkpoints')
    const [{ size } = { size: 0 }] = await gateway.sql`select count(*)::int as size from auth_gateway.event_store`
    expect(taken.reduce((sum, one) => sum + one, 0)).toBe(size)
    expect(body.checkpoints[0]).toMatchObject({ size, published_at: null })
    const open = createNoteOpener(body.verifier_key)
    for (const { note, root } of body.checkpoints) expect(open(note)?.root.toString('hex')).toBe(root)
    const { note, root } = body.checkpoints[0]
    const witness = `\u2014 witness.example ${Buffer.alloc(76).toString('base64')}\n`
    const other = `\u2014 ${note.split('\n')[0]} ${Buffer.alloc(68).toString('base64')}\n`
    const [text, own] = note.split('\n\n')
    for (const signed of [own + witness, witness + own, other + own])
      expect(open(`${text}\n\n${signed}`)?.root.toString('hex')).toBe(root)
    for (const signed of [witness, other]) expect(open(`${text}\n\n${signed}`)).toBe(undefined)
    expect(await (await fetch(`${gateway.url}/v1/audit/checkpoint`)).text()).toBe(body.checkpoints[0].note)
  })

  test('wait for a transaction that drew a position before, and step over nothing', async () => {
    const hold = await gateway.sql.reserve()
    await hold`begin`
    const id = crypto.randomUUID()
    await hold`select auth_gateway.append_events(${JSON.stringify([
      {
        stream_type: 'organization',
        stream_id: id,
        expected_version: 0,
        events: [
          {
            event_id: crypto.randomUUID(),
            event_type: 'OrganizationCreated',
            schema_version: 1,
            data: { kind: 'team', owner: id },
            metadata: {},
          },
        ],
      },
    ])}::text::jsonb)`
    await signIn(gateway)
    await makeCheckpoints(gateway.gateway)
    const [{ position } = { position: 0 }] =
      await hold`select position::int from auth_gateway.event_store where stream_id = ${id}`
    const [{ covered } = { covered: 0 }] =
      await gateway.sql`select position::int as covered from auth_gateway.audit_tree`
    expect(covered).toBeLessThan(position)
    await hold`commit`
    hold.release()
    await checkpoint()
    const [{ leaves, all } = { leaves: 0, all: 1 }] = await gateway.sql`
      select (select size::int from auth_gateway.audit_tree) as leaves, (select count(*)::int from auth_gateway.event_store) as "all"`
    expect(leaves).toBe(all)
  })

  test('200 with proofs that verify offline: an event, and an older tree as the beginning of a newer one', async () => {
    const ada = await signIn(gateway)
    await checkpoint()
    const older = await save('older.note', await (await fetch(`${gateway.url}/v1/audit/checkpoint`)).text())
    const { size: from } = (await json('checkpoints')).body.checkpoints[0]
    await getTokens(gateway, ada)
    await checkpoint()
    const { verifier_key: key } = (await json('checkpoints')).body
    const { status, body } = await json(`consistency?from=${from}`)
    expect(status).toBe(200)
    const proof = await save('consistency.json', JSON.stringify(body))
    const { html } = await ada.browser.visit('/v1/audit/export')
    const file = await save('ada.jsonl', html)
    const good = await verifyFile(file, '--key', key, '--checkpoint', older, '--consistency', proof)
    expect(good).toMatchObject({ code: 0, answer: { ok: true, whole: false, key_given: true, not_covered: 0 } })
    await getTokens(gateway, ada)
    const later = await save('later.jsonl', (await ada.browser.visit('/v1/audit/export')).html)
    const counted = (await verifyFile(later)).answer
    expect(counted.not_covered).toBe(Number(counted.events) + Number(counted.hidden) - Number(counted.included))
    expect(counted.not_covered).toBeGreaterThan(0)
    await checkpoint()
    expect(good.answer.included).toBe(Number(good.answer.events) + Number(good.answer.hidden))
    const wrong = await save('wrong.json', JSON.stringify({ ...body, path: body.path.map(() => '00'.repeat(32)) }))
    const bad = await verifyFile(file, '--key', key, '--checkpoint', older, '--consistency', wrong)
    expect(bad.answer.faults.map(({ fault }) => fault)).toEqual([
      'the log of the kept checkpoint is not the beginning of this one',
    ])
    const forged = html.split('\n').map((line) => line.replace(/,"inclusion":\{[^}]*\}/, ''))
    const lines = forged.slice(0, -2)
    const sha256 = createHash('sha256')
      .update(`${lines.join('\n')}\n`)
      .digest('hex')
    const end = JSON.stringify({ kind: 'end', lines: lines.length, sha256, next_after: null })
    const unproven = await verifyFile(await save('unproven.jsonl', `${[...lines, end].join('\n')}\n`), '--key', key)
    expect(unproven.answer.faults[0]?.fault).toBe('the event has no proof of being in the log')
    const otherKey = key.replace(/.{6}$/, (end: string) => end.split('').reverse().join(''))
    expect((await verifyFile(file, '--key', otherKey)).answer.faults[0]?.fault).toBe(
      'the checkpoint is not signed by the key',
    )
  })

  test('inclusion: 200 for an own event, 404 for one of another person, 401 without a credential', async () => {
    const [ada, other] = [await signIn(gateway), await signIn(gateway)]
    await checkpoint()
    const { events: seen } = JSON.parse((await ada.browser.visit('/v1/audit/events')).html)
    const own = JSON.parse((await ada.browser.visit(`/v1/audit/inclusion?event=${seen[0].id}`)).html)
    expect(own).toMatchObject({ event: seen[0].id, hash: seen[0].hash })
    expect(own.path.length).toBeGreaterThan(3)
    expect((await other.browser.visit(`/v1/audit/inclusion?event=${seen[0].id}`)).status).toBe(404)
    expect((await json(`inclusion?event=${seen[0].id}`)).status).toBe(401)
  })

  test.each(['from=99999999', 'from=5&to=3', 'from=1&to=99999999', 'from=-1', 'from=1.5', ''])(
    '400 consistency?%s',
    async (query) => {
      expect((await json(`consistency?${query}`)).status).toBe(400)
    },
  )
})

test('the exported log matches every checkpoint, and one kept outside shows what was deleted', async () => {
  await checkpoint()
  const lines: string[] = []
  const env = {
    DATABASE_MIGRATION_URL: gateway.gateway.config.DATABASE_URL,
    AUTH_MASTER_SECRET: gateway.gateway.config.AUTH_MASTER_SECRET,
    AUTH_BASE_URL: gateway.url,
  }
  await events(['export'], { env, out: (line) => void lines.push(line), err: () => {} })
  const file = await save('whole.jsonl', `${lines.join('\n')}\n`)
  const { verifierKey } = await currentSigner(gateway.gateway)
  const newest = (await json('checkpoints')).body.checkpoints[0]
  expect(await verifyFile(file, '--key', verifierKey)).toMatchObject({
    code: 0,
    answer: { ok: true, whole: true, sealed: newest.size, checkpoint: newest.size },
  })
  const kept = await save('kept.note', newest.note)
  const cut = lines.slice(0, -4).filter((line) => !line.includes('"kind":"checkpoint"'))
  const sha256 = createHash('sha256')
    .update(`${cut.join('\n')}\n`)
    .digest('hex')
  const end = JSON.stringify({ kind: 'end', lines: cut.length, sha256, next_after: null })
  const short = await save('short.jsonl', `${[...cut, end].join('\n')}\n`)
  const found = await verifyFile(short, '--key', verifierKey, '--checkpoint', kept)
  expect(found.answer.faults.map(({ fault }) => fault)).toEqual(['events that the checkpoint covers are missing'])
})

test('the newest checkpoint is published once, and again after a failure', async () => {
  const taken: { url?: string; token?: string; body: string }[] = []
  let status = 503
  const bucket = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      taken.push({ url: `${request.method} ${request.url}`, token: request.headers.authorization, body })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => bucket.listen(0, '127.0.0.1', resolve))
  const { port } = bucket.address() as { port: number }
  const file = path.join(folder, 'published.jsonl')
  const settings = {
    CHECKPOINT_URL: `http://127.0.0.1:${port}/c/{size}`,
    CHECKPOINT_URL_TOKEN: 'token',
    CHECKPOINT_FILE: file,
  }
  const publisher = { ...gateway.gateway, config: { ...gateway.gateway.config, ...settings } }
  await expect(publishCheckpoint(publisher)).rejects.toThrow('the checkpoint was not accepted: 503')
  status = 201
  // A file that cannot be written holds up no address.
  const unwritable = { ...publisher.config, CHECKPOINT_FILE: path.join(folder, 'missing/published.jsonl') }
  const before = taken.length
  await expect(publishCheckpoint({ ...publisher, config: unwritable })).rejects.toThrow('ENOENT')
  expect(taken.length).toBe(before + 1)
  expect(await publishCheckpoint(publisher)).toBe(true)
  expect(await publishCheckpoint(publisher)).toBe(false)
  bucket.close()
  const [newest] = (await json('checkpoints')).body.checkpoints
  expect(newest.published_at).not.toBeNull()
  expect(taken.at(-1)).toEqual({ url: `PUT /c/${newest.size}`, token: 'Bearer token', body: newest.note })
  const line = (await readFile(file, 'utf8')).trimEnd().split('\n').at(-1) ?? ''
  expect(JSON.parse(line)).toEqual({ size: newest.size, note: newest.note })
})
