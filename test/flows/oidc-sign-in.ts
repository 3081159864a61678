import { afterAll, beforeAll, beforeEach } from 'vitest'
import { connect } from '../support/connections.ts'
import { newEmail, type TestGateway } from '../support/gateway.ts'
import { startUpstream, UPSTREAM_CLIENT, type Upstream } from '../support/oidc-upstream.ts'
import type { Page, TestBrowser } from '../support/sign-in.ts'

/** Returns the id of the person who is signed in at a browser. */
export const uaiOf = ({ cookies }: TestBrowser): string =>
  JSON.parse(decodeURIComponent(cookies.get('lanonasis_user') ?? '%7B%7D')).id

/**
 * Starts an OpenID provider that the gateway knows as `acme` (its addresses are trusted), `strict` and `closed` (it admits no new
 * people). Each test has a new person there. `member` may be connected as well.
 */
export function useOidcSignIn(gateway: TestGateway) {
  const oidc = {} as { upstream: Upstream }
  beforeAll(async () => {
    oidc.upstream = await startUpstream(
      ['acme', 'strict', 'closed', 'member'].map((slug) => `${gateway.url}/v1/auth/oauth/callback/${slug}`),
    )
    const { client_id, client_secret } = UPSTREAM_CLIENT
    const settings = { issuer: oidc.upstream.issuer, client_id, scope: 'openid email profile' }
    const trusted = { trust_email: true, domains: ['acme.example'] }
    await connect(gateway, { slug: 'acme', name: 'Acme', ...settings, ...trusted }, client_secret)
    await connect(gateway, { slug: 'strict', name: 'Strict', ...settings }, client_secret)
    const closed = { provision: false, listed: false }
    await connect(gateway, { slug: 'closed', name: 'Closed', ...settings, ...closed }, client_secret)
  })
  afterAll(() => oidc.upstream?.stop())
  beforeEach(() => {
    const email = newEmail('upstream')
    oidc.upstream.account = { sub: crypto.randomUUID(), email, email_verified: true, name: 'Ada Upstream' }
  })

  const begin = (browser: TestBrowser, slug = 'acme', more = '') =>
    browser.visit(`/v1/auth/oauth?provider=${slug}&redirect_uri=/account/api-keys${more}`)
  return Object.assign(oidc, {
    begin,
    /** Follows "Connect …" on the person's account page. */
    async beginLink(browser: TestBrowser, slug: string): Promise<Page> {
      const { html } = await browser.visit('/account/sign-in')
      const href = new RegExp(`href="([^"]*provider=${slug}&amp;purpose=link[^"]*)"`).exec(html)?.[1]
      return browser.visit((href ?? '').replaceAll('&amp;', '&'))
    },
    enter: async (browser: TestBrowser, slug = 'acme'): Promise<Page> =>
      browser.visit(await oidc.upstream.signIn(browser, await begin(browser, slug))),
  })
}
