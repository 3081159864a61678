import type { Server } from 'node:http'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../../../scripts/lib/process.ts'

const START_MS = 20_000

/**
 * Variables of the environment of a service.
 * @throws Error that names those that are missing
 */
export function settings<Name extends string>(...names: Name[]): Record<Name, string> {
  const missing = names.filter((name) => !process.env[name])
  if (missing.length > 0) throw new Error(`not set: ${missing.join(', ')}`)
  return Object.fromEntries(names.map((name) => [name, process.env[name]])) as Record<Name, string>
}

/** Serves on PORT of the loopback interface and logs that it is ready. */
export function listening(server: Server): void {
  server.listen(Number(settings('PORT').PORT), '127.0.0.1', () => console.log('ready'))
}

export type Service = { stop(): Promise<void> }

/**
 * Starts a service of this folder as a process of its own.
 * @throws Error with its output when it is not ready in time
 */
export async function startService(name: string, env: Record<string, string>): Promise<Service> {
  const lines: string[] = []
  let isReady = () => {}
  const ready = new Promise<boolean>((resolve) => {
    isReady = () => resolve(true)
  })
  const { exited, stop } = startProcess({
    command: process.execPath,
    args: ['--import', 'tsx', fileURLToPath(new URL(`${name}.ts`, import.meta.url))],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'production', ...env },
    output: (line) => {
      lines.push(line)
      if (line === 'ready') isReady()
    },
  })
  const late = new Promise<boolean>((resolve) => {
    setTimeout(() => resolve(false), START_MS).unref()
  })
  if (await Promise.race([ready, late, exited.then(() => false)])) return { stop }
  await stop()
  throw new Error(`${name} did not start:\n${lines.join('\n')}`)
}
