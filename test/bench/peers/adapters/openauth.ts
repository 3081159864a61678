import { authorizePath, codeOf, createPkce, REDIRECT_URI, rotation, type TokenAnswer, tokensOf } from '../oauth.ts'
import type { Operation, Peer } from '../types.ts'
import type { User } from '../user.ts'

const CLIENT = 'bench'

/** Starts a sign-in at a provider of openauth and returns the PKCE verifier. */
async function start(user: User, provider: string): Promise<string> {
  const { verifier, challenge } = createPkce()
  const path = authorizePath('/authorize', { clientId: CLIENT, scope: 'openid', challenge, more: { provider } })
  user.keep(await user.call('GET', path, { headers: { cookie: user.cookie } }, 302))
  return verifier
}

async function signInAtClient(user: User): Promise<TokenAnswer> {
  const verifier = await start(user, 'auto')
  const redirect = user.keep(await user.call('GET', '/auto/authorize', { headers: { cookie: user.cookie } }, 302))
  const form = {
    grant_type: 'authorization_code',
    client_id: CLIENT,
    code: codeOf(redirect),
    redirect_uri: REDIRECT_URI,
    code_verifier: verifier,
  }
  return tokensOf(await user.call('POST', '/token', { form }))
}

/** Ends with the redirect that carries the code. openauth stores no people, so new and returning ones are alike. */
const otp: Operation = (user) => async () => {
  const email = `u${user.index}@bench.local`
  const target = '/code/authorize'
  const headers = () => ({ cookie: user.cookie })
  await start(user, 'code')
  user.keep(await user.call('GET', target, { headers: headers() }))
  user.keep(await user.call('POST', target, { headers: headers(), form: { action: 'request', email } }))
  const { body: code } = await user.call('GET', `/__otp?${encodeURIComponent(email)}`)
  const verification = { headers: headers(), form: { action: 'verify', code } }
  codeOf(user.keep(await user.call('POST', target, verification, 302)))
}

export const openauth: Peer = {
  name: 'openauth',
  program: 'openauth.mjs',
  coldPath: '/.well-known/oauth-authorization-server',
  coldRequest: () => ({
    method: 'POST',
    path: '/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials&provider=auto&client_id=bench&client_secret=bench-secret',
    expect: 'access_token',
  }),
  operations: () => ({
    O1: (user) => {
      const form = {
        grant_type: 'client_credentials',
        provider: 'auto',
        client_id: CLIENT,
        client_secret: 'bench-secret',
      }
      return () => user.call('POST', '/token', { form })
    },
    O2: async (user) => {
      const { refresh_token: first } = await signInAtClient(user)
      const form = { grant_type: 'refresh_token', client_id: CLIENT }
      return rotation(first, (token) => user.call('POST', '/token', { form: { ...form, refresh_token: token } }))
    },
    O4: (user) => () => signInAtClient(user),
    O7: otp,
    O7b: otp,
  }),
}
