import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditEvent } from '../../shared/audit/event-view.ts'
import { useGateway } from '../support/gateway.ts'
import { settled } from '../support/settle.ts'
import { getTokens, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'audit-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const get = async (person: SignedInBrowser, query: Record<string, string> = {}) => {
  const page = await person.browser.visit(`/v1/audit/events?${new URLSearchParams(query)}`)
  return { status: page.status, body: JSON.parse(page.html) as { events: AuditEvent[]; next_cursor: string | null } }
}

describe('GET /v1/audit/events', () => {
  test('200 with the person’s own events, newest first, personal values opened for them', async () => {
    const [ada, other] = [await signIn(gateway), await signIn(gateway)]
    const { status, body } = await get(ada)
    expect(status).toBe(200)
    const types = body.events.map(({ type }) => type)
    expect(types).toEqual(expect.arrayContaining(['IdentityCreated', 'CredentialLinked', 'SessionStarted']))
    expect(body.events.map(({ position }) => position)).toEqual(
      body.events.map(({ position }) => position).sort((a, b) => b - a),
    )
    expect(new Set(body.events.map(({ subject }) => subject))).toEqual(new Set([ada.uai]))
    expect(body.events.find(({ type }) => type === 'CredentialLinked')?.personal).toEqual({ address: ada.email })
    expect(body.events.find(({ type }) => type === 'SessionStarted')?.origin?.ip).toBe(ada.browser.ip)
    const text = JSON.stringify(body)
    expect(text).not.toContain(other.uai)
    expect(text).not.toMatch(/Hash"|"sealed"/)
  })

  test('200 page by page, each event once, both ways', async () => {
    const ada = await signIn(gateway)
    await getTokens(gateway, ada)
    const all = (await get(ada)).body.events.map(({ id }) => id)
    await settled(gateway)
    expect(all.length).toBeGreaterThan(4)
    for (const order of ['desc', 'asc']) {
      const found: string[] = []
      let cursor: string | null = null
      do {
        const { body } = await get(ada, { order, limit: '2', ...(cursor && { cursor }) })
        if (order === 'asc' && body.events.length === 0) break
        found.push(...body.events.map(({ id }) => id))
        cursor = body.next_cursor
      } while (cursor)
      expect(order === 'asc' ? found.reverse() : found).toEqual(all)
    }
  })

  test('200 with what matches each filter, and nothing else', async () => {
    const ada = await signIn(gateway)
    const before = new Date(Date.now() + 1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    await getTokens(gateway, ada)
    const all = (await get(ada)).body.events
    const family = all.find(({ type }) => type === 'TokenFamilyStarted')
    const request = family?.request_id ?? ''
    const filters: [Record<string, string>, (event: AuditEvent) => boolean][] = [
      [{ type: 'SessionStarted' }, ({ type }) => type === 'SessionStarted'],
      [{ stream_type: 'token_family' }, ({ stream }) => stream.type === 'token_family'],
      [{ stream: family?.stream.id ?? '' }, ({ stream }) => stream.id === family?.stream.id],
      [{ request }, ({ request_id }) => request_id === request],
      [{ client: 'auth-tester' }, ({ client_id }) => client_id === 'auth-tester'],
      [{ since: before.toISOString() }, ({ recorded_at }) => new Date(recorded_at) >= before],
      [{ until: before.toISOString() }, ({ recorded_at }) => new Date(recorded_at) < before],
      [{ person: ada.uai }, () => true],
    ]
    for (const [query, passes] of filters) {
      const found = (await get(ada, query)).body.events
      expect(found.length, JSON.stringify(query)).toBeGreaterThan(0)
      expect(found).toEqual(all.filter(passes))
    }
    expect((await get(ada, { person: (await signIn(gateway)).uai })).body.events).toEqual([])
  })

  test.each([
    ['limit', '0'],
    ['limit', '201'],
    ['cursor', '9223372036854775808'],
    ['cursor', "1' or true"],
    ['since', 'yesterday'],
    ['since', '2026-13-45'],
    ['person', 'me'],
    ['type', 'a b'],
  ])('400 for %s=%s', async (name, value) => {
    const { status, body } = await get(await signIn(gateway), { [name]: value })
    expect([status, (body as unknown as { code: string }).code]).toEqual([400, 'INVALID_REQUEST'])
  })

  test.each<Record<string, string>>([{ since: '0000-01-01' }, { until: '9999-12-31T23:59:59-14:00' }])(
    '400 for a time that no database knows: %j',
    async (query) => {
      const { status, body } = await get(await signIn(gateway), query)
      expect([status, body]).toEqual([400, expect.objectContaining({ code: 'INVALID_REQUEST' })])
    },
  )

  test('401 without a credential, 403 for a third-party application', async () => {
    expect((await fetch(`${gateway.url}/v1/audit/events`)).status).toBe(401)
    const ada = await signIn(gateway)
    const partner = {
      client_id: 'partner-sandbox',
      redirect_uri: 'http://127.0.0.1:3000/callback',
      scope: 'memories:read',
    }
    const { access_token } = await getTokens(gateway, ada, partner)
    for (const route of ['events', 'export']) {
      const headers = { authorization: `Bearer ${access_token}` }
      expect((await fetch(`${gateway.url}/api/v1/audit/${route}`, { headers })).status).toBe(403)
    }
  })
})

const verifyFile = (...args: string[]) =>
  new Promise<{ code: number; answer: { ok: boolean; events: number; hidden: number; faults: { fault: string }[] } }>(
    (resolve) => {
      execFile(
        process.execPath,
        ['scripts/verify-export.mjs', '--json', ...args],
        { maxBuffer: 2 ** 26 },
        (error, out) => resolve({ code: error ? Number(error.code) : 0, answer: JSON.parse(out) }),
      )
    },
  )

const save = async (text: string) => {
  const file = path.join(folder, `${crypto.randomUUID()}.jsonl`)
  await writeFile(file, text)
  return file
}

describe('GET /v1/audit/export', () => {
  test('200 with lines that verify without us, page by page too', async () => {
    const ada = await signIn(gateway)
    await getTokens(gateway, ada)
    await settled(gateway)
    const page = await ada.browser.visit('/v1/audit/export')
    expect(page.headers.get('content-type')).toContain('application/x-ndjson')
    const whole = await verifyFile(await save(page.html))
    expect(whole).toMatchObject({ code: 0, answer: { ok: true, hidden: 0 } })
    const files: string[] = []
    for (let after: string | null = '0'; after; ) {
      const part = await ada.browser.visit(`/v1/audit/export?limit=3&after=${after}`)
      files.push(await save(part.html))
      after = JSON.parse(part.html.trimEnd().split('\n').at(-1) ?? '').next_after
    }
    expect(files.length).toBeGreaterThan(2)
    expect(await verifyFile(...files)).toMatchObject({ code: 0, answer: { events: whole.answer.events } })
  })

  test('200 with the place of events about others only, never their content', async () => {
    const [ada, other] = [await signIn(gateway), await signIn(gateway)]
    const { sql } = gateway
    await sql.begin(async (transaction) => {
      await transaction`set local session_replication_role = replica`
      const [{ id } = { id: '' }] =
        await transaction`select stream_id as id from auth_gateway.event_store where subject = ${ada.uai} and stream_type = 'identity' limit 1`
      await transaction`update auth_gateway.event_store set subject = ${other.uai} where stream_id = ${id} and version = 2`
    })
    await settled(gateway)
    const { html } = await ada.browser.visit('/v1/audit/export')
    const hidden = html
      .split('\n')
      .filter((line) => line.includes('"kind":"hidden"'))
      .map((line) => JSON.parse(line))
    expect(hidden.map((line) => Object.keys(line).sort())).toEqual([
      ['hash', 'kind', 'position', 'previous_hash', 'stream_id', 'stream_type', 'version'],
    ])
    expect((await verifyFile(await save(html))).answer).toMatchObject({ ok: true, hidden: 1 })
  })

  test.each([
    [
      'a changed event',
      (lines: string[]) =>
        lines.map((line) => line.replace('"event_type":"SessionStarted"', '"event_type":"SessionEnded"')),
      'the event is not what was hashed',
    ],
    [
      'a missing event',
      (lines: string[]) => lines.filter((line) => !line.includes('"event_type":"CredentialLinked"')),
      'lines are missing',
    ],
    [
      'events in another order',
      ([head = '', first = '', second = '', ...rest]: string[]) => [head, second, first, ...rest],
      'the positions do not rise',
    ],
    ['a cut end', (lines: string[]) => lines.slice(0, -2), 'the file is cut off'],
    [
      'a changed header',
      (lines: string[]) => lines.map((line) => line.replace('"of":"people"', '"of":"everything"')),
      'the file is not what was exported',
    ],
    [
      'an event that is hidden from whoever may see everything',
      (lines: string[]) =>
        lines.map((line) =>
          line.replace('"of":"people"', '"of":"everything"').replace('{"kind":"event"', '{"kind":"hidden"'),
        ),
      'an event is hidden in an export of everything',
    ],
    [
      'a member that stands twice',
      (lines: string[]) =>
        lines.map((line) => line.replace('{"kind":"event"', '{"kind":"event", "\\u006bind" : "event"')),
      'a line has a member twice',
    ],
  ])('a verifier finds %s', async (_, change, fault) => {
    const ada = await signIn(gateway)
    await settled(gateway)
    const { html } = await ada.browser.visit('/v1/audit/export')
    const changed = change(html.trimEnd().split('\n'))
    const { code, answer } = await verifyFile(await save(`${changed.join('\n')}\n`))
    expect(code).toBe(1)
    expect(answer.faults.map((one) => one.fault)).toContain(fault)
  })
})
