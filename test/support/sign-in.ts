import { createHash, randomBytes } from 'node:crypto'
import { IP_HEADER, newEmail, randomIp, type TestGateway } from './gateway.ts'

export type Page = { url: string; status: number; headers: Headers; html: string; location: string | undefined }

/** A browser without JavaScript: it keeps cookies, follows redirects inside the gateway and submits forms. */
export interface TestBrowser {
  cookies: Map<string, string>
  ip: string
  /** Opens an address and follows redirects until a page or an address outside of the gateway (`location`). */
  visit(url: string, init?: RequestInit): Promise<Page>
  /** Submits the page's form whose action ends in `action` (the first one by default) with these fields filled in. */
  submit(page: Page, fields: Record<string, string>, action?: string): Promise<Page>
}

export function createBrowser({ url: base }: { url: string }): TestBrowser {
  const cookies = new Map<string, string>()
  const ip = randomIp()

  async function request(url: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set(IP_HEADER, ip)
    headers.set('accept', 'text/html')
    if (cookies.size > 0) headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0/i.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }

  async function visit(to: string, init: RequestInit = {}): Promise<Page> {
    let url = new URL(to, base).href
    let next = init
    for (let hops = 0; hops < 10; hops++) {
      const response = await request(url, next)
      const html = await response.text()
      const location = response.headers.get('location')
      const page = { url, status: response.status, headers: response.headers, html }
      if (!location) return { ...page, location: undefined }
      const target = new URL(location, url)
      if (target.origin !== new URL(base).origin) return { ...page, location: location }
      url = target.href
      next = {}
    }
    throw new Error(`too many redirects at ${url}`)
  }

  return {
    cookies,
    ip,
    visit,
    submit(page, fields, action) {
      const form = formsOf(page).find((one) => !action || one.action.endsWith(action))
      if (!form) throw new Error(`no form ${action ?? ''} at ${page.url} (${page.status}): ${page.html.slice(0, 2000)}`)
      const body = new URLSearchParams({ ...form.fields, ...fields })
      return visit(new URL(form.action, page.url).href, { method: form.method, body })
    },
  }
}

const plain = (text: string) =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

const attribute = (tag: string, name: string) => {
  const found = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
  return found === undefined ? undefined : plain(found)
}

/** The forms of a page with what they would send untouched. */
export function formsOf({ html }: Page): { action: string; method: string; fields: Record<string, string> }[] {
  return [...html.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)].map(([, tag = '', inside = '']) => {
    const inputs = [...inside.matchAll(/<input[^>]*>/g)].map(([input]) => input)
    const fields = inputs.flatMap((input) => {
      const name = attribute(input, 'name')
      const value = attribute(input, 'value')
      return name && value !== undefined ? [[name, value]] : []
    })
    return {
      action: attribute(tag, 'action') ?? '',
      method: (attribute(tag, 'method') ?? 'get').toUpperCase(),
      fields: Object.fromEntries(fields),
    }
  })
}

/** Gives the address and the code on the sign-in pages; answers where that leads. */
export async function passSignIn(
  gateway: TestGateway,
  browser: TestBrowser,
  signInPage: Page,
  email: string,
): Promise<Page> {
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

/** Parameters of a good authorization request; an undefined one is left out. */
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
  browser: TestBrowser,
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

/** Takes a fresh code of a signed-in person to tokens. */
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
