import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import Provider from 'oidc-provider'
import { freePort } from '../../scripts/lib/ports.ts'
import type { Page, TestBrowser } from './sign-in.ts'

export type UpstreamAccount = { sub: string; email?: string; email_verified?: boolean; name?: string }

export type Upstream = {
  issuer: string
  /** Changes who is signed in there. */
  account: UpstreamAccount
  /** Signs with a new key, which joins the published ones; the old one leaves. */
  rotateKeys(): Promise<void>
  /** Follows the browser from a redirect to this provider back to where it sends it. */
  signIn(browser: TestBrowser, page: Page): Promise<string>
  stop(): Promise<void>
}

export const UPSTREAM_CLIENT = { client_id: 'lanonasis', client_secret: 'upstream secret of forty characters or so' }

async function newKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' }
}

/** A real external OpenID provider (oidc-provider), where one person is signed in and consents to everything. */
export async function startUpstream(redirectUris: string[]): Promise<Upstream> {
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  let server: Server
  let generation = 1
  const upstream = { account: { sub: 'upstream-user' } as UpstreamAccount }

  async function listen(): Promise<void> {
    const provider = new Provider(issuer, {
      clients: [{ ...UPSTREAM_CLIENT, redirect_uris: redirectUris, post_logout_redirect_uris: redirectUris }],
      jwks: { keys: [await newKey(`key-${generation}`)] } as never,
      cookies: { keys: ['a cookie key'] },
      claims: { openid: ['sub', 'email', 'email_verified', 'name'] },
      conformIdTokenClaims: false,
      features: { devInteractions: { enabled: false } },
      pkce: { required: () => true },
      findAccount: (_ctx: unknown, sub: string) => ({
        accountId: sub,
        claims: async () => ({ ...upstream.account, sub }),
      }),
      interactions: { url: (_ctx: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    } as never)
    const callback = provider.callback()
    server = createServer(async (request, response) => {
      if (!request.url?.startsWith('/interaction/')) return callback(request, response)
      const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
      if (prompt.name === 'login') {
        await provider.interactionFinished(request, response, { login: { accountId: upstream.account.sub } })
        return
      }
      const grant = grantId
        ? await provider.Grant.find(grantId)
        : new provider.Grant({ accountId: session?.accountId, clientId: String(params.client_id) })
      grant?.addOIDCScope('openid email profile')
      await provider.interactionFinished(request, response, { consent: { grantId: await grant?.save() } })
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  async function stop(): Promise<void> {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await listen()
  return Object.assign(upstream, {
    issuer,
    async rotateKeys() {
      generation++
      await stop()
      await listen()
    },
    async signIn(_browser: TestBrowser, page: Page) {
      const cookies = new Map<string, string>()
      let url = page.location ?? ''
      for (let hops = 0; hops < 10 && url.startsWith(issuer); hops++) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
        const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
        for (const line of response.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
          cookies.set(name, value)
        }
        const location = response.headers.get('location')
        if (!location) throw new Error(`the provider stopped: ${response.status} ${await response.text()}`)
        url = new URL(location, url).href
      }
      return url
    },
    stop,
  })
}
