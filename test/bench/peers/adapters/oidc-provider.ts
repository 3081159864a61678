import {
  authorizePath,
  basicAuthorization,
  codeOf,
  createPkce,
  DEVICE_GRANT,
  REDIRECT_URI,
  requireActive,
  requireJwt,
  rotation,
  type TokenAnswer,
  tokensOf,
} from '../oauth.ts'
import type { Operations, Peer } from '../types.ts'
import type { User } from '../user.ts'

type Context = { client_id: string; client_secret: string }

const MOST_REDIRECTS = 8

const clientHeaders = ({ client_id, client_secret }: Context) => ({
  authorization: basicAuthorization(client_id, client_secret),
})

/** The first time this follows the redirects of the sign-in; later the answer is a redirect with the code. */
async function authorize(user: User, { client_id: clientId }: Context, scope: string) {
  const { verifier, challenge } = createPkce()
  let target = authorizePath('/auth', { clientId, scope, challenge })
  for (let turn = 0; turn <= MOST_REDIRECTS; turn++) {
    const answer = user.keep(await user.request('GET', target, { headers: { cookie: user.cookie } }))
    const { location } = answer.headers
    if (!location) throw new Error(`authorize: ${answer.status} ${answer.body.slice(0, 200)}`)
    if (location.startsWith(REDIRECT_URI)) return { code: codeOf(answer), verifier }
    target = location
  }
  throw new Error('authorize: too many redirects')
}

async function signInAtClient(user: User, context: Context, scope: string): Promise<TokenAnswer> {
  const { code, verifier } = await authorize(user, context, scope)
  const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: verifier }
  return tokensOf(await user.call('POST', '/token', { headers: clientHeaders(context), form }))
}

const hiddenField = (html: string, name: string) => html.match(new RegExp(`name="${name}" value="([^"]*)"`))?.[1] ?? ''

function operations(context: Context): Operations {
  const headers = clientHeaders(context)
  return {
    O1: (user) => {
      let checked = false
      return async () => {
        const form = { grant_type: 'client_credentials', scope: 'read', resource: 'urn:bench:api' }
        const answer = await user.call('POST', '/token', { headers, form })
        if (!checked) requireJwt(answer)
        checked = true
      }
    },
    O2: async (user) => {
      const { refresh_token: first } = await signInAtClient(user, context, 'openid read')
      const form = { grant_type: 'refresh_token' }
      return rotation(first, (token) =>
        user.call('POST', '/token', { headers, form: { ...form, refresh_token: token } }),
      )
    },
    O3: async (user) => {
      const form = { grant_type: 'client_credentials', scope: 'read' }
      const issued = await user.call('POST', '/token', { headers, form })
      const asked = { token: tokensOf(issued).access_token, token_type_hint: 'client_credentials' }
      return async () => requireActive(await user.call('POST', '/token/introspection', { headers, form: asked }))
    },
    O4: async (user) => {
      await signInAtClient(user, context, 'openid')
      return () => signInAtClient(user, context, 'openid')
    },
    O8: async (user) => {
      await signInAtClient(user, context, 'openid')
      return async () => {
        const form = { client_id: context.client_id, scope: 'openid' }
        const { device_code, user_code } = JSON.parse((await user.call('POST', '/device/auth', { headers, form })).body)
        const poll = { headers, form: { grant_type: DEVICE_GRANT, device_code } }
        await user.call('POST', '/token', poll, 400)
        const shown = { headers: { cookie: user.cookie } }
        const page = user.keep(await user.call('GET', `/device?user_code=${user_code}`, shown))
        const approval = { xsrf: hiddenField(page.body, 'xsrf'), user_code, confirm: 'yes' }
        user.keep(await user.call('POST', '/device', { headers: { cookie: user.cookie }, form: approval }))
        await user.call('POST', '/token', poll)
      }
    },
  }
}

const shared = { program: 'oidc-provider.mjs', coldPath: '/.well-known/openid-configuration', operations }

/** With a one-table adapter for Postgres. */
export const oidcPostgres: Peer<Context> = {
  name: 'oidc-pg',
  ...shared,
  coldRequest: (context) => ({
    method: 'POST',
    path: '/token',
    headers: { ...clientHeaders(context), 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials&scope=read',
    expect: 'access_token',
  }),
}

/** With its own adapter in memory: nothing is durable. */
export const oidcMemory: Peer<Context> = { name: 'oidc-mem', ...shared, environment: { OIDC_ADAPTER: 'memory' } }
