import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { root } from './process.ts'

export type ColdStart = { name: string; milliseconds: number; cpu: number; times: number }

/** From the beginning of the process to the first answer; a scheduled function is only loaded. */
const CHILD = `
  const [file] = process.argv.slice(1)
  const { default: answer, config } = await import(file)
  const request = new Request('http://localhost:4000/no-such-path')
  if (!config?.schedule) await (await answer(request, { ip: '127.0.0.1', waitUntil() {} })).text()
  const { user, system } = process.cpuUsage()
  const told = JSON.stringify({ milliseconds: performance.now(), cpu: (user + system) / 1000 })
  process.stdout.write(told, () => process.exit())`

/** What a deployment sets at the least, as Netlify has it. */
const ENVIRONMENT = {
  NODE_ENV: 'production',
  LOG_LEVEL: 'silent',
  DATABASE_URL: 'postgres://nobody:none@127.0.0.1:1/none',
  AUTH_BASE_URL: 'https://auth.example.com',
  AUTH_MASTER_SECRET: randomBytes(32).toString('base64'),
  COOKIE_DOMAIN: '.example.com',
  SUPABASE_FUNCTIONS_URL: 'https://project.supabase.co/functions/v1',
  OTP_WEBHOOK_SECRET: `v1,whsec_${randomBytes(32).toString('base64')}`,
}

type Start = { milliseconds: number; cpu: number }

function start(file: string, pinned: boolean): Start {
  const node = [process.execPath, '--input-type=module', '--eval', CHILD, pathToFileURL(file).href]
  const [command = '', ...args] = pinned ? ['taskset', '-c', '0', ...node] : node
  return JSON.parse(execFileSync(command, args, { env: { PATH: process.env.PATH, ...ENVIRONMENT }, encoding: 'utf8' }))
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/**
 * Starts each function of the build again and again, each time after a bare server that was bundled like them, so that another program
 * disturbs both alike. Shown are the medians, also of how many times the CPU of the bare server next to it a function takes.
 */
export async function measureColdStarts(rounds: number, pinned: boolean): Promise<ColdStart[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'auth-gateway-bench-'))
  const bare = path.join(folder, 'bare-server.mjs')
  const [platform, format, target] = ['node', 'esm', 'node22'] as const
  const banner = { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" }
  const entryPoints = [`${root}test/bench/bare-server.ts`]
  await build({ entryPoints, outfile: bare, bundle: true, minify: true, platform, format, target, banner })
  const starts = readdirSync(`${root}dist/functions`).map((name) => ({
    name,
    pairs: [] as [bare: Start, own: Start][],
  }))
  for (let round = 0; round < rounds; round++)
    for (const { name, pairs } of starts)
      pairs.push([start(bare, pinned), start(`${root}dist/functions/${name}`, pinned)])
  rmSync(folder, { recursive: true, force: true })
  const summary = (name: string, pairs: [bare: Start, own: Start][]): ColdStart => ({
    name,
    milliseconds: median(pairs.map(([, own]) => own.milliseconds)),
    cpu: median(pairs.map(([, own]) => own.cpu)),
    times: median(pairs.map(([beside, own]) => own.cpu / beside.cpu)),
  })
  const others = starts.flatMap(({ pairs }) => pairs.map(([beside]): [Start, Start] => [beside, beside]))
  return [
    summary('bare-server', others),
    ...starts.map(({ name, pairs }) => summary(path.basename(name, '.mjs'), pairs)),
  ]
}
