import { type DeliveryStub, startDeliveryStub } from '../../delivery-stub.ts'
import { newAddress, newCaller } from '../../people.ts'
import {
  codeOf,
  createPkce,
  DEVICE_GRANT,
  requireActive,
  requireJwt,
  rotation,
  type TokenAnswer,
  tokensOf,
} from '../oauth.ts'
import type { Operations, Peer } from '../types.ts'
import type { User } from '../user.ts'

export type ProjectContext = {
  client_id: string
  client_secret: string
  people: { email: string; cookie: string; key: string }[]
  /** Addresses of people who have signed in before. */
  returning: string[]
  /** Where the gateway delivers its messages. */
  deliveryPort: number
}

const CLIENT = 'lanonasis-api-dashboard'
const DEVICE_CLIENT = 'lanonasis-mcp-cli'
const REDIRECT_URI = 'https://dashboard.lanonasis.com/auth/callback'

let stub: Promise<DeliveryStub> | undefined
/** Takes the gateway's messages next to the load generator. */
function deliveryOf({ deliveryPort }: ProjectContext): Promise<DeliveryStub> {
  stub ??= startDeliveryStub(deliveryPort)
  return stub
}

let turn = 0
/** Goes through the items, across all virtual users. */
const next = <Item>(items: Item[]) => items[turn++ % items.length] as Item

async function signInAtClient(user: User, { people }: ProjectContext, scope: string): Promise<TokenAnswer> {
  const { verifier, challenge } = createPkce()
  const request = new URLSearchParams({
    response_type: 'code',
    client_id: CLIENT,
    redirect_uri: REDIRECT_URI,
    scope,
    state: 'b',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })
  const headers = { cookie: next(people).cookie }
  const code = codeOf(await user.call('GET', `/oauth/authorize?${request}`, { headers }, 302))
  const form = {
    grant_type: 'authorization_code',
    client_id: CLIENT,
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: verifier,
  }
  return tokensOf(await user.call('POST', '/oauth/token', { form }))
}

/** Requests a code and signs in with it. */
async function signInByOtp(user: User, { codes }: DeliveryStub, email: string): Promise<void> {
  const headers = newCaller()
  await user.call('POST', '/v1/auth/otp/send', { headers, json: { email } })
  const json = { email, token: codes.get(email), platform: 'cli' }
  await user.call('POST', '/v1/auth/otp/verify', { headers, json })
  codes.delete(email)
}

function operations(context: ProjectContext): Operations {
  const { client_id, client_secret, people, returning } = context
  const client = { client_id, client_secret }
  const forToken = { grant_type: 'client_credentials', scope: 'memories:read', ...client }
  return {
    O1: (user) => {
      let checked = false
      return async () => {
        const answer = await user.call('POST', '/oauth/token', { form: forToken })
        if (!checked) requireJwt(answer)
        checked = true
      }
    },
    O2: async (user) => {
      const { refresh_token: first } = await signInAtClient(user, context, 'openid offline_access')
      const form = { grant_type: 'refresh_token', client_id: CLIENT }
      return rotation(first, (token) => user.call('POST', '/oauth/token', { form: { ...form, refresh_token: token } }))
    },
    O3: async (user) => {
      const issued = tokensOf(await user.call('POST', '/oauth/token', { form: forToken }))
      const form = { token: issued.access_token, ...client }
      return async () => requireActive(await user.call('POST', '/oauth/introspect', { form }))
    },
    O4: async (user) => {
      await signInAtClient(user, context, 'openid')
      return () => signInAtClient(user, context, 'openid')
    },
    O5: (user) => () => user.call('POST', '/v1/auth/verify-api-key', { headers: { 'x-api-key': next(people).key } }),
    O6: (user) => async () => {
      const { cookie } = next(people)
      const { body } = await user.call('GET', '/v1/auth/resolve', { headers: { cookie } })
      if (!body.includes('bench.example')) throw new Error(`no session: ${body}`)
    },
    O7: async (user) => {
      const delivery = await deliveryOf(context)
      return () => signInByOtp(user, delivery, newAddress())
    },
    O7b: async (user) => {
      const delivery = await deliveryOf(context)
      return () => signInByOtp(user, delivery, next(returning))
    },
    O8: async (user) => {
      await deliveryOf(context)
      return () => approveDevice(user, next(people).cookie)
    },
  }
}

async function approveDevice(user: User, cookie: string): Promise<void> {
  const caller = newCaller()
  const headers = { ...caller, cookie }
  const request = { headers: caller, form: { client_id: DEVICE_CLIENT } }
  const { device_code, user_code } = JSON.parse((await user.call('POST', '/oauth/device', request)).body)
  const poll = { form: { grant_type: DEVICE_GRANT, client_id: DEVICE_CLIENT, device_code } }
  await user.call('POST', '/oauth/token', poll, 400)
  const page = await user.call('GET', `/oauth/device?code=${user_code}`, { headers })
  const csrf = page.body.match(/name="csrf" value="([^"]+)"/)?.[1] ?? ''
  const form = { user_code, csrf, decision: 'approve' }
  await user.call('POST', '/oauth/device/decision', { headers: { ...headers, origin: user.url }, form })
  await user.call('POST', '/oauth/token', poll)
}

export const project: Peer<ProjectContext> = {
  name: 'project',
  coldPath: '/health',
  coldRequest: ({ people }) => ({
    path: '/v1/auth/resolve',
    headers: { cookie: people[0]?.cookie ?? '' },
    expect: 'bench.example',
  }),
  operations,
}
