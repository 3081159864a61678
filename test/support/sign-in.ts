import { createHash, randomBytes } from 'node:crypto'
import { IP_HEADER, newEmail, randomIp, type TestGateway } from './gateway.ts'
import { createBrowser, type Page, type Tab, type TestBrowser } from './test-browser.ts'

export { createBrowser, formsOf, type Page, type Tab, type TestBrowser, textOf } from './test-browser.ts'

/** Enters the address and the code on the sign-in pages; returns the page after that. */
export async function passSignIn(gateway: TestGateway, browser: Tab, signInPage: Page, email: string): Promise<Page> {
  const codePage = await browser.submit(signInPage, { email }, '/web/login')
  return browser.submit(codePage, { code: gateway.inbox.codeFor(email) }, '/web/code')
}

export type SignedInBrowser = { browser: TestBrowser; email: string; uai: string }

/** A browser of a person who has just signed in. */
export async function signIn(gateway: TestGateway, email = newEmail()): Promise<SignedInBrowser> {
  const browser = createBrowser(gateway)
  const page = await passSignIn(gateway, browser, await browser.visit('/web/login'), email)
  const user = browser.cookies.get('lanonasis_user')
  if (!user) throw new Error(`sign-in did not end well: ${page.status} ${page.url} ${page.html.slice(0, 2000)}`)
  return { browser, email, uai: JSON.parse(decodeURIComponent(user)).id }
}

export const newVerifier = () => randomBytes(32).toString('base64url')
export const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')

/** A client that needs no secret, may ask for openid, and lives on the loopback interface. */
export const NATIVE = { client_id: 'auth-tester', redirect_uri: 'http://127.0.0.1:4000/auth-tester' }

/** Parameters of a valid authorization request; an undefined one is omitted. */
export function authorizeParams(
  verifier: string,
  changes: Record<string, string | undefined> = {},
): Record<string, string> {
  const params = {
    ...NATIVE,
    response_type: 'code',
    scope: 'openid profile email',
    state: 'a state',
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
    ...changes,
  }
  return Object.fromEntries(Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** Asks for authorization in a browser, answering the consent page when there is one; the answer's parameters. */
export async function authorize(
  browser: Tab,
  params: Record<string, string>,
  decision: 'allow' | 'deny' = 'allow',
): Promise<URLSearchParams> {
  let page = await browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`)
  if (!page.location) page = await browser.submit(page, { decision }, '/oauth/consent')
  if (!page.location) throw new Error(`no answer to the client: ${page.status} ${page.html.slice(0, 2000)}`)
  return new URL(page.location).searchParams
}

/** Posts a form, as an OAuth client does. */
export async function post(
  { url }: { url: string },
  path: string,
  fields: Record<string, string> | URLSearchParams,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers: { [IP_HEADER]: randomIp(), ...headers },
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: text ? JSON.parse(text) : undefined }
}

/** Posts JSON, as the CLI does. */
export async function postJson(
  { url }: { url: string },
  path: string,
  fields: object,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    body: JSON.stringify(fields),
    headers: { [IP_HEADER]: randomIp(), 'content-type': 'application/json', ...headers },
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: text ? JSON.parse(text) : undefined }
}

export type Tokens = {
  access_token: string
  refresh_token: string
  id_token?: string
  scope: string
  expires_in: number
}

/** Exchanges a new code of a signed-in person for tokens. */
export async function getTokens(
  gateway: TestGateway,
  { browser }: SignedInBrowser,
  changes: Record<string, string | undefined> = {},
): Promise<Tokens> {
  const verifier = newVerifier()
  const params = authorizeParams(verifier, changes)
  const code = (await authorize(browser, params)).get('code') ?? ''
  const { client_id = '', redirect_uri = '' } = params
  const { status, body } = await post(gateway, '/oauth/token', {
    grant_type: 'authorization_code',
    client_id,
    redirect_uri,
    code,
    code_verifier: verifier,
  })
  if (status !== 200) throw new Error(`no tokens: ${status} ${JSON.stringify(body)}`)
  return body
}
