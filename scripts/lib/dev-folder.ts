import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import path from 'node:path'
import { variables } from '../../shared/config.ts'
import { isAlive } from './left-over.ts'

const WAIT_MILLISECONDS = 20_000

/**
 * Makes this process the only one of its kind in a folder: asks one that already runs to stop, and waits for it.
 * The lock is a socket, so that a killed process holds nothing.
 * @param socket path of the socket, preferably relative: the operating system allows about 100 characters
 * @param onReplaced called when a later process takes over from this one
 * @returns true when another process had to stop
 * @throws when the other process does not stop
 */
export async function takeOver(socket: string, onReplaced: () => void): Promise<boolean> {
  await mkdir(path.dirname(socket), { recursive: true })
  const name = process.platform === 'win32' ? `\\\\.\\pipe\\${path.resolve(socket).replaceAll(/[\\:/]/g, '-')}` : socket
  const replaced = await untilGone(name)
  await rm(socket, { force: true })
  const server = createServer((connection) => {
    connection.on('error', () => {}).resume()
    onReplaced()
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(name, resolve))
  server.unref()
  process.once('exit', () => rmSync(socket, { force: true }))
  return replaced
}

// The connection closes when the other process ends.
function untilGone(name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let met = false
    const connection = connect(name)
    const timer = setTimeout(() => {
      connection.destroy()
      reject(new Error('Another process of this kind runs here and does not stop'))
    }, WAIT_MILLISECONDS)
    connection.once('connect', () => {
      met = true
    })
    connection.on('error', () => {})
    connection.once('close', () => {
      clearTimeout(timer)
      resolve(met)
    })
    connection.resume()
  })
}

/** Returns the secrets of this checkout: generated once, stored in `file`, readable by its owner only. */
export async function devSecrets(file: string): Promise<Record<string, string>> {
  const secrets = {
    AUTH_MASTER_SECRET: randomBytes(32).toString('base64'),
    OTP_WEBHOOK_SECRET: `v1,whsec_${randomBytes(32).toString('base64')}`,
    RESEND_WEBHOOK_SECRET: `whsec_${randomBytes(24).toString('base64')}`,
    ...JSON.parse(await readFile(file, 'utf8').catch(() => '{}')),
  }
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
  return secrets
}

type Note = { pid: number; environment: NodeJS.ProcessEnv }

const fileIn = (folder: string) => `${folder}/running.json`

function read(folder: string): Note | undefined {
  try {
    return JSON.parse(readFileSync(fileIn(folder), 'utf8'))
  } catch {
    return undefined
  }
}

/** Writes the gateway's settings of this `npm run dev` to a file for operator commands, readable by its owner only. */
export function noteRunningDev(folder: string, environment: NodeJS.ProcessEnv): void {
  const used = Object.entries(environment).filter(([name, value]) => Object.hasOwn(variables, name) && value)
  const note: Note = { pid: process.pid, environment: Object.fromEntries(used) }
  writeFileSync(fileIn(folder), JSON.stringify(note, null, 2), { mode: 0o600 })
}

export function forgetRunningDev(folder: string): void {
  if (read(folder)?.pid === process.pid) rmSync(fileIn(folder), { force: true })
}

/** Returns the settings of the `npm run dev` that runs in the folder, with the connections to its database; undefined if none does. */
export function runningDev(folder: string): NodeJS.ProcessEnv | undefined {
  const note = read(folder)
  return note && isAlive(note.pid) ? note.environment : undefined
}
