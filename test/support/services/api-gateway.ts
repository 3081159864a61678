import { createServer } from 'node:http'
import { createVerifier, RequestRefused } from '@lanonasis/auth-server'
import { callTls } from '../nginx.ts'
import { listening, settings } from './process.ts'

// The example of a service that calls another one on behalf of a person: it authenticates by its certificate, and never hands on
// the token that the person gave it.

const { ISSUER, AUDIENCE, PROXY_SECRET, ...peers } = settings(
  ...([
    'ISSUER',
    'AUDIENCE',
    'PROXY_SECRET',
    'TLS_PORT',
    'MTLS_HOST',
    'KEY_MANAGER_HOST',
    'CA',
    'CERT',
    'KEY',
  ] as const),
)
const { TLS_PORT, MTLS_HOST, KEY_MANAGER_HOST, CA, CERT, KEY } = peers
const verify = createVerifier({ issuer: ISSUER, audience: AUDIENCE, proxySecret: PROXY_SECRET })

/** One request over mutual TLS. */
const call = (host: string, path: string, rest: object) =>
  callTls(Number(TLS_PORT), { host, path, ca: CA, certificate: { cert: CERT, key: KEY }, ...rest })

/** A token for this service to act for the person at key-manager, bound to its certificate (RFC 8693, RFC 8705). */
async function exchange(token: string, scope: string): Promise<{ access_token?: string; error?: string }> {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    client_id: 'api-gateway',
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: `https://${KEY_MANAGER_HOST}`,
    scope,
  })
  return JSON.parse((await call(MTLS_HOST, '/oauth/token', { method: 'POST', body })).text)
}

const server = createServer(async (request, response) => {
  const answer = (status: number, body: object, headers = {}) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  try {
    await verify(request, { scope: 'secrets:read' })
    const token = request.headers.authorization?.split(' ')[1] ?? ''
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const { access_token, error } = await exchange(token, searchParams.get('scope') ?? 'secrets:read')
    if (!access_token) return answer(502, { error })
    const headers = { authorization: `Bearer ${access_token}` }
    const { status, text } = await call(KEY_MANAGER_HOST, '/secrets', { headers })
    answer(status, JSON.parse(text))
  } catch (error) {
    if (!(error instanceof RequestRefused)) return answer(500, { error: 'server_error' })
    answer(error.status, { error: error.code }, error.headers)
  }
})
listening(server)
