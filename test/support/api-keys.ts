import { IP_HEADER, newEmail, randomIp, type TestGateway } from './gateway.ts'
import { postJson, type SignedInBrowser } from './sign-in.ts'

// biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the test asks about
export type Body = any

/** Calls the API with a JSON body, as our clients do. */
export async function api(
  { url }: { url: string },
  method: string,
  path: string,
  options: { token?: string; key?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: Headers; body: Body }> {
  const { token, key, body, headers = {} } = options
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      [IP_HEADER]: randomIp(),
      ...(token && { authorization: `Bearer ${token}` }),
      ...(key && { 'x-api-key': key }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined }
}

export type DirectSignIn = { token: string; refreshToken: string; uai: string; email: string }

/** A person signed in at the terminal. */
export async function directSignIn(gateway: TestGateway, email = newEmail()): Promise<DirectSignIn> {
  await postJson(gateway, '/v1/auth/otp/send', { email })
  const token = gateway.inbox.codeFor(email)
  const { status, body } = await postJson(gateway, '/v1/auth/otp/verify', { email, token, platform: 'cli' })
  if (status !== 200) throw new Error(`no sign-in: ${status} ${JSON.stringify(body)}`)
  return { token: body.access_token, refreshToken: body.refresh_token, uai: body.user.id, email }
}

/** The same at a browser: the session cookie and nothing else. */
export const atBrowser = (
  gateway: TestGateway,
  { browser }: SignedInBrowser,
  method: string,
  path: string,
  body?: object,
) =>
  api(gateway, method, path, {
    body,
    headers: { cookie: `lanonasis_session=${browser.cookies.get('lanonasis_session')}` },
  })

let keys = 0

/** Creates a key; `data` of the answer, with the secret as `key`. */
export async function newKey(gateway: TestGateway, { token }: DirectSignIn, settings: object = {}): Promise<Body> {
  const { status, body } = await api(gateway, 'POST', '/api/v1/api-keys', {
    token,
    body: { name: `key ${++keys}`, ...settings },
  })
  if (status !== 201) throw new Error(`no key: ${status} ${JSON.stringify(body)}`)
  return body.data
}
