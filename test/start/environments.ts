import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'esbuild'
import postgres from 'postgres'
import type { Answers } from './call-every-route.ts'

/** The rows of a table in docs/configuration.md by the cells of its header, which begins like this; code spans without their marks. */
export function tableOf(header: string): Record<string, string>[] {
  const lines = readFileSync('docs/configuration.md', 'utf8').split('\n')
  const start = lines.findIndex((line) => line.startsWith(header))
  const cells = (line: string) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''))
  const head = cells(lines[start] ?? '')
  const rows = lines.slice(start + 2)
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) => Object.fromEntries(cells(line).map((cell, index) => [head[index] ?? '', cell])))
}

/** What every process here gets from this one. */
const { PATH, NODE_COMPILE_CACHE } = process.env

export type Started = {
  /** What it printed so far: JSON lines as objects, others as text. */
  lines(): (Record<string, unknown> | string)[]
  url: string | undefined
  exitCode: number | null
  stop(): Promise<void>
}

/** Starts a server of a build and waits until it listens or has ended. */
export async function startServer(server: string, env: NodeJS.ProcessEnv): Promise<Started> {
  const child = spawn(process.execPath, [server], {
    env: { PATH, NODE_COMPILE_CACHE, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  const read = (chunk: Buffer) => {
    printed += chunk
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  const closed = once(child, 'close')
  const lines = () =>
    printed
      .split('\n')
      .filter(Boolean)
      .map((line) => (line.startsWith('{') ? JSON.parse(line) : line))
  const listening = () => lines().find((line) => line.message === 'listening')
  while (!listening() && child.exitCode === null) await sleep(20)
  if (child.exitCode !== null) await closed
  return {
    lines,
    url: listening()?.url,
    get exitCode() {
      return child.exitCode
    },
    async stop() {
      if (child.exitCode === null) child.kill('SIGTERM')
      await closed
    },
  }
}

/** All functions in one program, which calls every route of each and prints what they answered. */
export async function buildFunctionCaller(outfile: string): Promise<void> {
  const files = readdirSync('netlify/functions').filter(
    (file) => !/\bschedule:/.test(readFileSync(`netlify/functions/${file}`, 'utf8')),
  )
  const contents = [
    ...files.map((file, index) => `import * as f${index} from './netlify/functions/${file}'`),
    `import { callEveryRoute } from './test/start/call-every-route.ts'`,
    `const answers = await callEveryRoute([${files.map((_, index) => `f${index}`)}])`,
    'process.stdout.write(JSON.stringify(answers), () => process.exit())',
  ].join('\n')
  await build({
    stdin: { contents, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    outfile,
  })
}

/** Runs that program; what the functions logged comes with it. */
export async function callFunctions(
  program: string,
  env: NodeJS.ProcessEnv,
): Promise<{ answers: Answers; log: string }> {
  const child = spawn(process.execPath, [program], {
    env: { PATH, NODE_COMPILE_CACHE, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, log] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { answers: JSON.parse(out || '{}'), log }
}

/** Every row of every table of the gateway, and where its sequence is: whatever is written changes it. */
export async function contentOf(superuserUrl: string): Promise<Record<string, string>> {
  const sql = postgres(superuserUrl, { max: 1, onnotice: () => {} })
  try {
    const tables = await sql<{ name: string }[]>`
      select c.relname as name from pg_class c where c.relnamespace = to_regnamespace('auth_gateway') and c.relkind in ('r', 'p')
        and not c.relispartition order by 1`
    const content: Record<string, string> = {}
    for (const { name } of tables) {
      const [row] =
        await sql`select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as md5 from auth_gateway.${sql(name)} t`
      content[name] = row?.md5
    }
    return content
  } finally {
    await sql.end()
  }
}
