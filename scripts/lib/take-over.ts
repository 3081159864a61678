import { rmSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import path from 'node:path'

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
