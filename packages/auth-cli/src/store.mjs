import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'

/** Where sign-ins are stored, for this user alone. */
const fileOf = (env = process.env) =>
  path.join(env.XDG_CONFIG_HOME || path.join(homedir(), '.config'), 'lanonasis', 'sign-ins.json')

const keyOf = ({ issuer, 'client-id': clientId }) => `${issuer.replace(/\/+$/, '')} ${clientId}`

async function readAll() {
  try {
    return JSON.parse(await readFile(fileOf(), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return {}
    throw new Error(`${fileOf()} cannot be read: ${error.message}`)
  }
}

/** Returns the sign-in at a gateway with a client, if there is one. */
export async function readSignIn(options) {
  return (await readAll())[keyOf(options)]
}

/** Replaces the sign-in at a gateway with a client; `undefined` removes it. */
export async function writeSignIn(options, tokens) {
  const all = { ...(await readAll()), [keyOf(options)]: tokens }
  const file = fileOf()
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const partial = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(partial, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 })
  await rename(partial, file)
}

/** What is stored of a token response. */
export const signInOf = ({ access_token, refresh_token, expires_in = 0 }, now = Date.now()) => ({
  access_token,
  refresh_token,
  expires_at: now + expires_in * 1000,
})
