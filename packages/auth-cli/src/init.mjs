import { readFile, writeFile } from 'node:fs/promises'
import { discover } from './sign-in.mjs'
import { say, UsageError } from './terminal.mjs'

/** Where each framework expects its callback and its variables. A public client has no secret. */
const FRAMEWORKS = {
  next: { port: 3000, callback: '/api/auth/callback', file: '.env.local' },
  react: { port: 5173, callback: '/callback', file: '.env.local', prefix: 'VITE_', isPublic: true },
  express: { port: 3000, callback: '/callback', file: '.env' },
  hono: { port: 3000, callback: '/callback', file: '.env' },
  fastapi: { port: 8000, callback: '/callback', file: '.env' },
  go: { port: 8080, callback: '/callback', file: '.env' },
}
export const FRAMEWORK_NAMES = Object.keys(FRAMEWORKS)

async function register(endpoint, metadata) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.error_description ?? answer.message ?? answer.error)
  return answer
}

/** Registers a client at a gateway, and writes the environment file of the chosen framework. */
export async function init(options, framework) {
  if (!Object.hasOwn(FRAMEWORKS, framework)) throw new UsageError(`init needs one of ${FRAMEWORK_NAMES.join(', ')}`)
  const { port, callback, file, prefix = '', isPublic } = FRAMEWORKS[framework]
  const name = (variable) => `${prefix}AUTH_${variable}`
  const before = await readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  if (new RegExp(`^${name('CLIENT_ID')}=`, 'm').test(before)) throw new Error(`${file} names a client already`)
  const redirectUri = options['redirect-uri'] ?? `http://localhost:${options.port ?? port}${callback}`
  const { registration_endpoint: endpoint, issuer } = (await discover(options)).serverMetadata()
  if (!endpoint) throw new Error(`${options.issuer} registers no clients`)
  const client = await register(endpoint, {
    client_name: options.name ?? framework,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: isPublic ? 'none' : 'client_secret_basic',
    scope: options.scope ?? 'openid profile email',
  })
  const lines = [
    `${name('ISSUER')}=${issuer}`,
    `${name('CLIENT_ID')}=${client.client_id}`,
    ...(client.client_secret ? [`${name('CLIENT_SECRET')}=${client.client_secret}`] : []),
    `${name('REDIRECT_URI')}=${redirectUri}`,
  ]
  const separator = before && !before.endsWith('\n') ? '\n' : ''
  await writeFile(file, `${before}${separator}${lines.join('\n')}\n`, { mode: 0o600 })
  say(`Registered ${client.client_id}; its settings are in ${file}, which stays out of version control.`)
}
