import { execFileSync } from 'node:child_process'
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

function start(file: string, pinned: boolean): { milliseconds: number; cpu: number } {
  const node = [process.execPath, '--input-type=module', '--eval', CHILD, pathToFileURL(file).href]
  const [command = '', ...args] = pinned ? ['taskset', '-c', '0', ...node] : node
  const env = { NODE_ENV: 'test', LOG_LEVEL: 'silent', DATABASE_URL: 'postgres://nobody:none@127.0.0.1:1/none' }
  return JSON.parse(execFileSync(command, args, { env: { PATH: process.env.PATH, ...env }, encoding: 'utf8' }))
}

/**
 * Starts each function of the build anew and again, in turn with a bare server that was bundled like them. Of all rounds the least
 * counts, since another program can only make it more.
 */
export async function measureColdStarts(rounds: number, pinned: boolean): Promise<ColdStart[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'auth-gateway-bench-'))
  const bare = path.join(folder, 'bare-server.mjs')
  const [platform, format, target] = ['node', 'esm', 'node22'] as const
  const banner = { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" }
  const entryPoints = [`${root}test/bench/bare-server.ts`]
  await build({ entryPoints, outfile: bare, bundle: true, minify: true, platform, format, target, banner })
  const functions = readdirSync(`${root}dist/functions`).map((name) => `${root}dist/functions/${name}`)
  const least = new Map<string, { milliseconds: number; cpu: number }>()
  for (let round = 0; round < rounds; round++)
    for (const file of [bare, ...functions]) {
      const { milliseconds, cpu } = start(file, pinned)
      const before = least.get(file) ?? { milliseconds, cpu }
      least.set(file, { milliseconds: Math.min(milliseconds, before.milliseconds), cpu: Math.min(cpu, before.cpu) })
    }
  rmSync(folder, { recursive: true, force: true })
  const bareCpu = least.get(bare)?.cpu ?? 0
  return [...least].map(([file, used]) => ({ name: path.basename(file, '.mjs'), ...used, times: used.cpu / bareCpu }))
}
