import { fileURLToPath } from 'node:url'
import { denoBinary } from '../../scripts/lib/platform-binary.ts'
import { startProcess } from '../../scripts/lib/process.ts'

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url))
const FUNCTIONS = path('supabase/functions')
const PERMISSIONS = ['--no-prompt', '--allow-net', '--allow-env', `--allow-read=${FUNCTIONS}`]
const RUN = ['run', '--quiet', '--frozen', '--config', `${FUNCTIONS}/deno.json`, ...PERMISSIONS]
const START_MS = 60_000

/** The Deno binary of this project. */
export const DENO = denoBinary()

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
  const lines: string[] = []
  const { promise, resolve, reject } = deferred<string>()
  const server = startProcess({
    command: DENO,
    args: [...RUN, `${FUNCTIONS}/_shared/local-server.ts`],
    env: { ...inherited(), NO_COLOR: '1', ...env, PORT: '0' },
    output: (line) => {
      lines.push(line)
      const url = /^edge functions ready on (\S+)$/.exec(line)?.[1]
      if (url) resolve(url)
    },
  })
  const fail = () => reject(new Error(`edge functions did not start:\n${lines.join('\n')}`))
  const timer = setTimeout(fail, START_MS)
  server.exited.then(fail)
  try {
    return { url: await promise, output: () => lines.join('\n'), stop: server.stop }
  } catch (error) {
    await server.stop()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: Error) => void = () => undefined
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue
    reject = onReason
  })
  return { promise, resolve, reject }
}

/** What Deno itself needs: its cache, and the way to packages that are not in it yet. */
function inherited(): Record<string, string> {
  const wanted =
    /^(PATH|HOME|XDG_CACHE_HOME|DENO_DIR|DENO_CERT|DENO_TLS_CA_STORE|SSL_CERT_FILE|NPM_CONFIG_\w+|HTTPS?_PROXY|NO_PROXY)$/i
  const entries = Object.entries(process.env).flatMap(([name, value]) =>
    wanted.test(name) && value ? [[name, value]] : [],
  )
  // Behind a company's proxy, the registry has a certificate of the system's store.
  return { DENO_TLS_CA_STORE: 'mozilla,system', ...Object.fromEntries(entries) }
}
