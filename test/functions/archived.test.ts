import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { archive } from '../../scripts/archive.ts'
import { makeCheckpoints } from '../../shared/audit/checkpoints.ts'
import { sweepAt } from '../projections/traffic.ts'
import { ask } from '../support/as-browser.ts'
import { useGateway } from '../support/gateway.ts'
import { signInOperator } from '../support/operators.ts'
import { settled } from '../support/settle.ts'
import type { Page, SignedInBrowser } from '../support/sign-in.ts'

const MONTH = '2026-03'

// The host that the passkeys of the month are for.
const gateway = useGateway({ host: 'localhost', env: { OPERATOR_PASSKEYS: 'never' } })
let folder: string
let platform: SignedInBrowser
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'archived-'))
  await gateway.sql`select auth_gateway.ensure_event_partitions(${`${MONTH}-01`}, 1)`
  platform = await signInOperator(gateway)
  await sweepAt(`${MONTH}-10T12:00:00Z`, gateway.gateway)
  await settled(gateway)
  await makeCheckpoints(gateway.gateway)
  const { AUTH_MASTER_SECRET } = gateway.gateway.config
  const env = {
    DATABASE_MIGRATION_URL: gateway.database.ownerUrl,
    AUTH_MASTER_SECRET,
    AUTH_BASE_URL: gateway.url,
  }
  const lines: string[] = []
  const say = (line: string) => void lines.push(line)
  expect([await archive(['make', '--to', folder], { env, out: say, err: say }), lines]).toEqual([
    0,
    [expect.any(String)],
  ])
  await settled(gateway)
  await makeCheckpoints(gateway.gateway)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('200 pages of an export of everything verify as a whole, archived events and their file included', async () => {
  const files: string[] = []
  for (let after: string | null = '0'; after !== null; ) {
    const { status, html: text }: Page = await platform.browser.visit(
      `${gateway.url}/v1/audit/export?scope=everything&limit=150&after=${after}`,
    )
    expect(status).toBe(200)
    const file = path.join(folder, `page-${files.length}.jsonl`)
    await writeFile(file, text)
    files.push(file)
    after = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '').next_after
  }
  expect(files.length).toBeGreaterThan(2)
  const args = ['scripts/verify-export.mjs', '--json', ...files, path.join(folder, `lanonasis-audit-${MONTH}.jsonl.gz`)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 })
  const answer = JSON.parse(stdout)
  expect(answer).toMatchObject({ ok: true, whole: true, faults: [] })
  expect(answer.archived).toBeGreaterThan(100)
})

test('410 what could be done in the time of an archived month', async () => {
  const state = (at: Date) =>
    ask(
      gateway,
      platform,
      'GET',
      `/v1/operators/state?${new URLSearchParams({ person: platform.uai, at: at.toISOString() })}`,
    )
  expect(await state(new Date(`${MONTH}-12`))).toMatchObject({ status: 410, body: { code: 'STATE_ARCHIVED' } })
  expect((await state(new Date())).status).toBe(200)
})

test('410 in the console too', async () => {
  const page = await platform.browser.visit(`${gateway.url}/admin/people/${platform.uai}?at=${MONTH}-12T00:00`)
  expect(page.status).toBe(410)
  expect(page.html).toContain('in the archive')
})
