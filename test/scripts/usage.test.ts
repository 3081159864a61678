import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Program } from '../../scripts/lib/terminal.ts'
import { call } from './terminal.ts'

const { scripts: COMMANDS } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
const FILES = readdirSync('scripts').filter((name) => name.endsWith('.ts'))
/** Programs whose output only people read, or that print nothing. */
const WITHOUT_JSON = [
  ...[
    'audit',
    'authority-table',
    'config-table',
    'dev',
    'event-catalogue',
    'limits-table',
    'lint',
    'mailbox',
    'openapi',
    'restore',
    'supabase-auth',
  ],
]
const nameOf = (file: string) => file.replace(/\.\w+$/, '')

const programs = new Map<string, Program>()
beforeAll(async () => {
  for (const file of FILES) {
    const exported = Object.values(await import(`../../scripts/${file}`)) as Program[]
    const [program] = exported.filter((one) => typeof one === 'function' && 'usage' in one)
    if (program) programs.set(file, program)
  }
}, 120_000)
const programOf = (file: string) => programs.get(file) as Program

/** What the first line of a usage calls, with something in the place of each name. */
function exampleOf({ usage }: Program): string[] {
  const [, words = ''] = (usage.split('\n')[0] ?? '').split(' -- ')
  const needed = words
    .replace(/\[.*$/, '')
    .replace(/ {2,}.*$/, '')
    .replaceAll(/<[^>]*>/g, '<name>')
  return needed
    .trim()
    .split(' ')
    .filter(Boolean)
    .map((word) => (word.startsWith('<') ? crypto.randomUUID() : word))
}

test('every file of scripts/ is one program, which a command of package.json runs or its usage names', () => {
  expect([...programs.keys()]).toEqual(FILES)
  const run = Object.values(COMMANDS).flatMap((line) => /tsx scripts\/([\w-]+\.ts)/.exec(line)?.[1] ?? [])
  expect(run.filter((file) => !FILES.includes(file))).toEqual([])
  const others = FILES.filter((file) => !run.includes(file))
  expect(others.filter((file) => !programOf(file).usage.includes(`scripts/${nameOf(file)}`))).toEqual([])
})

describe.each(FILES)('scripts/%s', (file) => {
  test('0 with its usage for --help, 2 with it for what it does not know, and never a stack', async () => {
    const program = programOf(file)
    expect(await call(program, {}, '--help')).toEqual({ exitCode: 0, out: program.usage, err: '' })
    const wrong = await call(program, {}, '--no-such-flag')
    expect([wrong.exitCode, wrong.out]).toEqual([2, ''])
    expect(wrong.err.endsWith(`\n\n${program.usage}`)).toBe(true)
    expect(wrong.err).not.toMatch(/^ +at /m)
    expect(program.usage.includes('--json')).toBe(!WITHOUT_JSON.includes(nameOf(file)))
  })
})

describe('without a database', () => {
  const operators = FILES.filter((file) => !WITHOUT_JSON.includes(nameOf(file)) && file !== 'build.ts')
  const nowhere = { AUTH_MASTER_SECRET: 'bG9jYWwtZGV2ZWxvcG1lbnQtb25seS1tYXN0ZXItc2VjcmV0', DEV_DIRECTORY: '/nowhere' }
  const url = 'postgres://gateway:secret@127.0.0.1:1/gone'
  const unreachable = { ...nowhere, DATABASE_MIGRATION_URL: url, DATABASE_URL: url }

  test.each(operators.filter((file) => file !== 'doctor.ts'))('1 with one sentence: %s', async (file) => {
    const program = programOf(file)
    const unset = await call(program, nowhere, ...exampleOf(program))
    expect(unset).toEqual({ exitCode: 1, out: '', err: expect.stringMatching(/^Set DATABASE_MIGRATION_URL.*$/) })
    const away = await call(program, unreachable, ...exampleOf(program))
    expect(away).toEqual({ exitCode: 1, out: '', err: expect.stringMatching(/^The database does not answer: .*$/) })
    expect(away.err).not.toContain('secret')
  })

  test.each([
    ['messages', 'lift a@b.ch', 'lift needs --reason'],
    ['messages', 'resume CH', 'resume needs --reason'],
    ['trace', 'radius abc --revoke', '--revoke needs a --reason'],
    ['trace', 'state yesterday', 'state takes a time such as 2026-11-26T12:00:00Z'],
    ['trace', 'state 2999-01-01T00:00:00Z', 'state takes a time that has passed'],
    ['identities', 'role a@b.ch root', 'The role is one of user, admin, platform_admin'],
    ['identities', 'role a@b.ch', 'The role is one of user, admin, platform_admin'],
    ['identities', 'erase a@b.ch --backup-days soon', '--backup-days takes a whole number'],
    ['identities', 'show a@b.ch --backup-days soon', '--backup-days takes a whole number'],
    ['keys', 'rotate --overlap soon', '--overlap takes a whole number'],
    ['keys', 'list --overlap soon', '--overlap takes a whole number'],
    ['archive', 'list 2026-01', 'There is no "list 2026-01"'],
    ['archive', 'make', 'make needs --to <folder>'],
  ])('2 with its usage for wrong arguments: %s %s', async (name, line, message) => {
    const program = programOf(`${name}.ts`)
    const err = `${message}\n\n${program.usage}`
    expect(await call(program, unreachable, ...line.split(' '))).toEqual({ exitCode: 2, out: '', err })
  })
})

test.each([
  ['scripts/check-oauth-providers.mjs', 'node scripts/check-oauth-providers.mjs'],
  ['packages/auth-cli/src/main.mjs', 'npx @lanonasis/auth-cli'],
  ['scripts/verify-export.mjs', 'node scripts/verify-export.mjs'],
  ['netlify/server.ts', 'npm start'],
])(
  '0 with its usage for --help, 2 with it for what it does not know: %s',
  async (file, name) => {
    const run = (flag: string) =>
      promisify(execFile)(process.execPath, [...(file.endsWith('.ts') ? ['--import', 'tsx'] : []), file, flag])
    const { stdout, stderr } = await run('--help')
    expect([stdout.includes(name), stderr]).toEqual([true, ''])
    const refused = { code: 2, stderr: expect.stringContaining(`\n\n${stdout.trim()}`) }
    await expect(run('--no-such-flag')).rejects.toMatchObject(refused)
  },
  60_000,
)
