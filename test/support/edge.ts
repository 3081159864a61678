import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url))
const DENO = path('node_modules/@deno/linux-x64-glibc/deno')
const FUNCTIONS = path('supabase/functions')
const START_MS = 60_000

export interface EdgeFunctions {
  /** Base URL of the functions, ending in `/functions/v1`. */
  url: string
  /** Everything the process has written so far. */
  output(): string
  stop(): Promise<void>
}

/**
 * Runs the edge functions under Deno with nothing but `env` in their environment, on a free port.
 * @throws Error with the process's output when it is not ready within a minute (the first run downloads its packages)
 */
export async function startEdgeFunctions({ env }: { env: Record<string, string> }): Promise<EdgeFunctions> {
  const permissions = ['--no-prompt', '--allow-net', '--allow-env', `--allow-read=${FUNCTIONS}`, '--allow-sys']
  const flags = [...permissions, '--frozen', '--config', `${FUNCTIONS}/deno.json`]
  const deno = spawn(DENO, ['run', ...flags, `${FUNCTIONS}/_shared/local-server.ts`], {
    cwd: FUNCTIONS,
    env: { ...inherited(), NO_COLOR: '1', ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(deno, 'exit')
  const lines: string[] = []
  const url = await new Promise<string>((resolve, reject) => {
    const fail = () => reject(new Error(`edge functions did not start:\n${lines.join('\n')}`))
    const timer = setTimeout(fail, START_MS)
    deno.once('error', fail)
    deno.once('exit', fail)
    for (const stream of [deno.stdout, deno.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        const ready = /^edge functions ready on (\S+)$/.exec(line)?.[1]
        if (ready) {
          clearTimeout(timer)
          resolve(ready)
        }
      })
    }
  })
  return {
    url,
    output: () => lines.join('\n'),
    stop: async () => {
      deno.kill()
      await exited
    },
  }
}

/** What Deno itself needs: its cache, and the way to packages that are not in it yet. */
function inherited(): Record<string, string> {
  const wanted = /^(PATH|HOME|XDG_CACHE_HOME|DENO_DIR|DENO_CERT|SSL_CERT_FILE|NPM_CONFIG_\w+|HTTPS?_PROXY|NO_PROXY)$/i
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (wanted.test(name) && value ? [[name, value]] : [])),
  )
}
