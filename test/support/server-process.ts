import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

export type BuiltServer = {
  /** Its file. */
  program: string
  /** Starts a process of it; settles when it listens. */
  start(env: NodeJS.ProcessEnv): Promise<ServerProcess>
  remove(): Promise<void>
}

export type ServerProcess = {
  exited: Promise<unknown>
  isRunning(): boolean
  kill(signal: NodeJS.Signals): void
}

/** The server as `npm run build -- --server` makes it, in a folder of its own. */
export async function buildServer(): Promise<BuiltServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'auth-gateway-server-'))
  const dist = path.join(folder, 'dist')
  await promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/build.ts', '--server', dist])
  await copyFile('netlify.toml', path.join(folder, 'netlify.toml'))
  const program = path.join(dist, 'server.mjs')
  return {
    program,
    remove: () => rm(folder, { recursive: true, force: true }),
    async start(env) {
      const child = spawn(process.execPath, [program], {
        env,
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      })
      let trouble = ''
      child.stderr?.on('data', (chunk) => {
        trouble = `${trouble}${chunk}`.slice(-4000)
      })
      const exited = once(child, 'exit')
      const ready = once(child, 'message').then(() => true)
      if (!(await Promise.race([ready, exited.then(() => false)]))) throw new Error(`the server ended:\n${trouble}`)
      return {
        exited,
        isRunning: () => child.exitCode === null && child.signalCode === null,
        kill: (signal) => void child.kill(signal),
      }
    },
  }
}
