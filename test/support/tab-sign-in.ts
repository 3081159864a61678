import type { TestGateway } from './gateway.ts'
import { addClient, newEmail } from './gateway.ts'
import { openLimits } from './rows.ts'
import { challengeOf, newVerifier, post } from './sign-in.ts'
import { type Page, type Tab, textOf } from './test-browser.ts'

/** An application on its way to a sign-in: everything that must come back to the tab that it opened. */
export type Application = {
  clientId: string
  redirectUri: string
  name: string
  state: string
  nonce: string
  verifier: string
}

/** Registers a third-party application, which asks for consent each time that it asks for it. */
export async function newApplication(gateway: TestGateway, name: string): Promise<Application> {
  const clientId = `${name}-${newVerifier().slice(0, 8)}`
  const redirectUri = `https://${name}.example/callback`
  await addClient(gateway, clientId, {
    client_name: name,
    redirect_uris: [redirectUri],
    scope: 'openid email memories:read',
    token_endpoint_auth_method: 'none',
  })
  return { clientId, redirectUri, name, state: `state ${name}`, nonce: `nonce ${name}`, verifier: newVerifier() }
}

/** The address that an application sends the browser to. */
export function requestOf(app: Application, changes: Record<string, string> = {}): string {
  const params = {
    client_id: app.clientId,
    redirect_uri: app.redirectUri,
    response_type: 'code',
    scope: 'openid email',
    state: app.state,
    nonce: app.nonce,
    code_challenge: challengeOf(app.verifier),
    code_challenge_method: 'S256',
    prompt: 'consent',
    ...changes,
  }
  return `/oauth/authorize?${new URLSearchParams(params)}`
}

/** The kind of a page, by the form that it shows. */
export function kindOf(page: Page): 'sign-in' | 'code' | 'consent' | 'answer' | 'signed-in' | 'other' {
  if (page.location !== undefined) return 'answer'
  if (page.html.includes('action="/oauth/consent"')) return 'consent'
  if (page.html.includes('action="/web/code"')) return 'code'
  if (page.html.includes('action="/web/login"')) return 'sign-in'
  return textOf(page).includes('You are signed in') ? 'signed-in' : 'other'
}

/** Redeems a code; returns the identity that it is for. @throws when the token endpoint refuses it */
export async function redeem(gateway: TestGateway, app: Application, location: string) {
  const answer = new URL(location).searchParams
  const { status, body } = await post(gateway, '/oauth/token', {
    grant_type: 'authorization_code',
    client_id: app.clientId,
    redirect_uri: app.redirectUri,
    code: answer.get('code') ?? '',
    code_verifier: app.verifier,
  })
  if (status !== 200) throw new Error(`no tokens for ${app.name}: ${status} ${JSON.stringify(body)}`)
  const [, claims = ''] = String(body.id_token).split('.')
  const { nonce, email } = JSON.parse(Buffer.from(claims, 'base64url').toString())
  return { nonce, email, state: answer.get('state'), to: location.split('?')[0] }
}

/** The result that a tab's application must get. */
export const expected = (app: Application, email: string) => ({
  nonce: app.nonce,
  email,
  state: app.state,
  to: app.redirectUri,
})

/** A tab with an application to sign in to, one step at a time. */
export class Visit {
  page: Page | undefined
  code = ''
  constructor(
    readonly gateway: TestGateway,
    readonly tab: Tab,
    readonly app: Application,
    readonly email = newEmail(),
  ) {}

  async begin(): Promise<Page> {
    this.page = await this.tab.visit(requestOf(this.app), { from: `https://${this.app.name}.example` })
    return this.page
  }

  #shown(): Page {
    if (!this.page) throw new Error('the tab is empty')
    return this.page
  }

  async send(): Promise<Page> {
    await openLimits(this.gateway)
    return this.reading(() => this.tab.submit(this.#shown(), { email: this.email }, '/web/login'))
  }

  /** Does what may send a code, which the person reads then; an equal submission sends none, and the code of before is still good. */
  async reading(act: () => Promise<Page>): Promise<Page> {
    const { length } = this.gateway.inbox.sent
    this.page = await act()
    if (this.gateway.inbox.sent.length > length) this.code = this.gateway.inbox.codeFor(this.email)
    return this.page
  }

  async enter(): Promise<Page> {
    this.page = await this.tab.submit(this.#shown(), { code: this.code }, '/web/code')
    return this.page
  }

  async allow(): Promise<Page> {
    this.page = await this.tab.submit(this.#shown(), { decision: 'allow' }, '/oauth/consent')
    return this.page
  }

  /** Does what the page asks for; returns whether there was something. */
  async next(): Promise<boolean> {
    const kind = this.page && kindOf(this.page)
    if (kind === undefined) await this.begin()
    else if (kind === 'sign-in') await this.send()
    else if (kind === 'code') await this.enter()
    else if (kind === 'consent') await this.allow()
    else return false
    return true
  }
}
