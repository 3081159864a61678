import { createHash, randomBytes } from 'node:crypto'
import type { Answer } from './user.ts'

/** Registered with every peer but the project, whose clients are seeded. */
export const REDIRECT_URI = 'https://client.bench.local/cb'
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

export type TokenAnswer = { access_token: string; refresh_token: string }

export function createPkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export const basicAuthorization = (id: string, secret: string) =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`

type AuthorizationRequest = { clientId: string; scope: string; challenge: string; more?: Record<string, string> }

/** An authorization request with PKCE (RFC 7636). */
export function authorizePath(path: string, { clientId, scope, challenge, more }: AuthorizationRequest): string {
  const parameters = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    scope,
    state: `st${challenge.slice(0, 8)}`,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  })
  return `${path}?${parameters}`
}

/** @throws when the redirect carries no code */
export function codeOf({ headers }: Answer): string {
  const code = new URL(headers.location ?? '', 'http://localhost').searchParams.get('code')
  if (!code) throw new Error(`no code in ${headers.location}`)
  return code
}

export const tokensOf = ({ body }: Answer): TokenAnswer => JSON.parse(body)

/** @throws when a client_credentials token is not a JWT */
export function requireJwt(answer: Answer): void {
  if (tokensOf(answer).access_token.split('.').length !== 3) throw new Error('the access token is not a JWT')
}

/** @throws when the token was reported as inactive (RFC 7662) */
export function requireActive({ body }: Answer): void {
  if (!body.includes('"active":true')) throw new Error(body)
}

/** Repeats a refresh, each time with the token of the last one. */
export function rotation(first: string, refresh: (token: string) => Promise<Answer>): () => Promise<void> {
  if (!first) throw new Error('no refresh token')
  let current = first
  return async () => {
    const { refresh_token: next } = tokensOf(await refresh(current))
    if (next === current) throw new Error('the refresh token was not rotated')
    current = next
  }
}
