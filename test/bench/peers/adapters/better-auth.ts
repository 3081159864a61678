import { createHmac } from 'node:crypto'
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
import type { Operation, Operations, Peer } from '../types.ts'
import type { User } from '../user.ts'

type Context = { client_id: string; client_secret: string; secret: string }

const BASE = '/api/auth'
const TOKEN = `${BASE}/oauth2/token`
const RESOURCE = 'https://api.bench.local'
const OTP = '123456'

const emailOf = ({ index }: User) => `u${index}@bench.local`

/** The cookie of the session that the setup gave a person, signed as better-auth signs it. */
function sessionCookie({ secret }: Context, index: number): string {
  const token = `usertok${index}`
  const signature = createHmac('sha256', secret).update(token).digest('base64')
  return `better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}`
}

/** Puts a person's session into the user's cookie jar. */
const signIn = (user: User, context: Context) => user.keepCookies([sessionCookie(context, user.index)])

const clientHeaders = ({ client_id, client_secret }: Context) => ({
  authorization: basicAuthorization(client_id, client_secret),
})

/** Authorization request with the user's session, then the exchange of its code. */
async function signInAtClient(user: User, context: Context, scope: string): Promise<TokenAnswer> {
  const { verifier, challenge } = createPkce()
  const path = authorizePath(`${BASE}/oauth2/authorize`, { clientId: context.client_id, scope, challenge })
  const redirect = await user.call('GET', path, { headers: { cookie: user.cookie } }, 302)
  const form = {
    grant_type: 'authorization_code',
    code: codeOf(redirect),
    redirect_uri: REDIRECT_URI,
    code_verifier: verifier,
  }
  return tokensOf(await user.call('POST', TOKEN, { headers: clientHeaders(context), form }))
}

function operations(context: Context): Operations {
  const headers = clientHeaders(context)

  /** The people exist, so every sign-in is that of a returning person. */
  const otp: Operation = (user) => async () => {
    const email = emailOf(user)
    const origin = { origin: user.url }
    const message = { email, type: 'sign-in' }
    await user.call('POST', `${BASE}/email-otp/send-verification-otp`, { headers: origin, json: message })
    await user.call('POST', `${BASE}/sign-in/email-otp`, { headers: origin, json: { email, otp: OTP } })
  }

  return {
    O1: (user) => {
      let checked = false
      return async () => {
        const form = { grant_type: 'client_credentials', scope: 'read', resource: RESOURCE }
        const answer = await user.call('POST', TOKEN, { headers, form })
        if (!checked) requireJwt(answer)
        checked = true
      }
    },
    O2: async (user) => {
      signIn(user, context)
      const { refresh_token: first } = await signInAtClient(user, context, 'openid offline_access')
      const form = { grant_type: 'refresh_token' }
      return rotation(first, (token) => user.call('POST', TOKEN, { headers, form: { ...form, refresh_token: token } }))
    },
    O3: async (user) => {
      const issued = await user.call('POST', TOKEN, {
        headers,
        form: { grant_type: 'client_credentials', scope: 'read' },
      })
      const form = { token: tokensOf(issued).access_token, token_type_hint: 'access_token' }
      return async () => requireActive(await user.call('POST', `${BASE}/oauth2/introspect`, { headers, form }))
    },
    O4: (user) => {
      signIn(user, context)
      return () => signInAtClient(user, context, 'openid')
    },
    O5: async (user) => {
      signIn(user, context)
      const signedIn = { origin: user.url, cookie: user.cookie }
      const created = await user.call('POST', `${BASE}/api-key/create`, { headers: signedIn, json: { name: 'k' } })
      const { key } = JSON.parse(created.body)
      return () => user.call('POST', '/verify-key', { json: { key } })
    },
    O6: (user) => {
      signIn(user, context)
      return async () => {
        const { body } = await user.call('GET', `${BASE}/get-session`, { headers: { cookie: user.cookie } })
        if (body.length < 20) throw new Error(`no session: ${body}`)
      }
    },
    O7: otp,
    O7b: otp,
    O8: (user) => {
      signIn(user, context)
      return () => approveDevice(user, context.client_id)
    },
  }
}

async function approveDevice(user: User, client_id: string): Promise<void> {
  const started = await user.call('POST', `${BASE}/device/code`, { json: { client_id, scope: 'read' } })
  const { device_code, user_code } = JSON.parse(started.body)
  const poll = { json: { grant_type: DEVICE_GRANT, device_code, client_id } }
  await user.call('POST', `${BASE}/device/token`, poll, 400)
  const { cookie } = user
  await user.call('GET', `${BASE}/device?user_code=${user_code}`, { headers: { cookie } })
  const approval = { headers: { origin: user.url, cookie }, json: { userCode: user_code } }
  await user.call('POST', `${BASE}/device/approve`, approval)
  await user.call('POST', `${BASE}/device/token`, poll)
}

export const betterAuth: Peer<Context> = {
  name: 'better-auth',
  program: 'better-auth.mjs',
  coldPath: `${BASE}/ok`,
  coldRequest: (context) => ({
    path: `${BASE}/get-session`,
    headers: { cookie: sessionCookie(context, 0) },
    expect: 'u0@bench.local',
  }),
  operations,
}
