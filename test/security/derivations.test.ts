import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type Authority, exceeds } from '../../shared/domain/derivation.ts'
import { api, atBrowser, type Body, directSignIn } from '../support/api-keys.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { post, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const API = 'https://api.lanonasis.com'
const KEYS = '/api/v1/api-keys'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const typeOf = (name: string) => `urn:${name === 'access_token' ? 'ietf' : 'lanonasis'}:params:oauth:token-type:${name}`

type Kind = 'sign-in' | 'renewed' | 'window' | 'opened' | 'exchanged' | 'key' | 'delegation'
/** A credential: what it was made from, and with which others it ends where it is one of several for the same. */
type Node = { kind: Kind; value: string; id: string; parent?: Node; alike?: Node; ended: boolean }

const gateway = useGateway()
/** Whose credentials they are, at a browser that makes and ends them. */
let owner: SignedInBrowser
let service: { client_id: string; client_secret: string }
beforeAll(async () => {
  owner = await signIn(gateway)
  const { client_secret } = await addClient(gateway, 'chain', {
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: [EXCHANGE],
    redirect_uris: [],
    response_types: [],
    scope: 'memories:read memories:write',
    resources: [API],
    exchange_resources: [API],
  })
  service = { client_id: 'chain', client_secret }
})

const cookieOf = ({ value }: Node) => ({ cookie: `lanonasis_session=${value}` })
const introspect = async (token: string) => (await post(gateway, '/oauth/introspect', { token })).body
const keyVerdict = (key: string) => api(gateway, 'POST', '/v1/auth/verify-api-key', { key })

async function isLive({ kind, value }: Node): Promise<boolean> {
  if (kind === 'window')
    return (await api(gateway, 'GET', '/v1/auth/me', { headers: cookieOf({ value } as Node) })).status === 200
  if (kind === 'key') return (await keyVerdict(value)).status === 200
  if (kind === 'delegation') return true
  return (await introspect(value)).active
}

/** What a token or key allows, as the gateway says. */
async function allowed({ kind, value, id }: Node): Promise<Authority> {
  if (kind === 'key') {
    const { data } = (await atBrowser(gateway, owner, 'GET', `${KEYS}/${id}`)).body
    return { scopes: data.permissions, expiresAt: data.expires_at ?? undefined }
  }
  if (kind === 'window' || kind === 'delegation') return {}
  const { scope, exp } = await introspect(value)
  return { scopes: scope.split(' '), expiresAt: new Date(exp * 1000).toISOString() }
}

let names = 0
const made = (kind: Kind, value: string, id = '', parent?: Node, alike?: Node): Node => ({
  ...{ kind, value, id, parent, alike, ended: false },
})

async function exchange(parent: Node): Promise<Body> {
  const type = { key: 'api_key', delegation: 'agent_delegation' }[parent.kind as string] ?? 'access_token'
  const subject = { subject_token: parent.value, subject_token_type: typeOf(type) }
  return (await post(gateway, '/oauth/token', { grant_type: EXCHANGE, ...subject, ...service })).body
}

/** Ways to make a credential, each from some kinds; undefined for one that was refused. */
const WAYS: Record<string, { from: Kind[]; make: (parent: Node) => Promise<Node | undefined> }> = {
  renew: {
    from: ['sign-in', 'renewed'],
    make: async (parent) => {
      const { body } = await api(gateway, 'POST', '/v1/auth/refresh', { token: parent.value })
      return body.access_token && made('renewed', body.access_token, '', parent, parent)
    },
  },
  open: {
    from: ['window'],
    make: async (parent) => {
      const path = '/v1/auth/resolve?client_id=lanonasis-api-dashboard'
      const { body } = await api(gateway, 'GET', path, { headers: cookieOf(parent) })
      return body.access_token && made('opened', body.access_token, '', parent)
    },
  },
  exchange: {
    from: ['sign-in', 'renewed', 'opened', 'exchanged', 'key', 'delegation'],
    make: async (parent) => {
      const { access_token } = await exchange(parent)
      return access_token && made('exchanged', access_token, '', parent)
    },
  },
  derive: {
    from: ['key'],
    make: async (parent) => {
      const body = { name: `key ${++names}`, scopes: ['api-keys:write', 'memories:read'] }
      const { data } = (await api(gateway, 'POST', KEYS, { key: parent.value, body })).body
      return data && made('key', data.key, data.id, parent)
    },
  },
}

/** Beginnings: what a person makes that rests on nothing else here. */
const ROOTS: Record<string, () => Promise<Node>> = {
  'sign-in': async () => made('sign-in', (await directSignIn(gateway)).token),
  window: async () => made('window', (await signIn(gateway)).browser.cookies.get('lanonasis_session') ?? ''),
  key: async () => {
    const body = { name: `key ${++names}`, scopes: ['api-keys:write', 'memories:read', 'memories:write'] }
    const { data } = (await atBrowser(gateway, owner, 'POST', KEYS, { ...body, expires_in_days: 1 })).body
    return made('key', data.key, data.id)
  },
  delegation: async () => {
    const body = { client_id: 'chain', scopes: ['memories:read'], expires_in_days: 1 }
    const { id } = (await atBrowser(gateway, owner, 'POST', '/v1/auth/agents', body)).body
    return made('delegation', id, id)
  },
}

async function end({ kind, value, id }: Node): Promise<void> {
  const ways: Record<Kind, () => Promise<{ status: number }>> = {
    'sign-in': () => api(gateway, 'POST', '/v1/auth/logout', { token: value }),
    renewed: () => post(gateway, '/oauth/revoke', { token: value }),
    window: () => api(gateway, 'POST', '/v1/auth/logout', { headers: { cookie: `lanonasis_session=${value}` } }),
    opened: () => post(gateway, '/oauth/revoke', { token: value, client_id: 'lanonasis-api-dashboard' }),
    exchanged: () => post(gateway, '/oauth/revoke', { token: value, ...service }),
    key: () => atBrowser(gateway, owner, 'POST', `${KEYS}/${id}/revoke`),
    delegation: () => atBrowser(gateway, owner, 'DELETE', `/v1/auth/agents/${id}`),
  }
  expect((await ways[kind]()).status).toBeLessThan(300)
}

/** Renewed tokens and the first one end together. */
const first = (node: Node): Node => (node.alike ? first(node.alike) : node)
const isOver = (node: Node): boolean =>
  first(node).ended || (first(node).parent ? isOver(first(node).parent as Node) : false)

const step = fc.record({ way: fc.constantFrom(...Object.keys(WAYS), 'exchange', 'end'), at: fc.nat(50) })

test('any chain of derivations: nothing is wider or lasts longer than what it is made from, and ends with it', async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 14, maxLength: 18 }), async (steps) => {
      await openLimits(gateway)
      const nodes = await Promise.all(Object.values(ROOTS).map((begin) => begin()))
      for (const { way, at } of steps) {
        if (way === 'end') {
          const living = nodes.filter((one) => !isOver(one))
          const node = living[at % living.length]
          if (!node) continue
          await end(node)
          first(node).ended = true
          expect(await Promise.all(nodes.map(isLive))).toEqual(
            nodes.map((one) => one.kind === 'delegation' || !isOver(one)),
          )
          continue
        }
        const { from, make } = WAYS[way] as (typeof WAYS)[string]
        const able = nodes.filter(({ kind }) => from.includes(kind))
        const parent = able[at % able.length] as Node
        const node = await make(parent)
        if (isOver(parent)) {
          expect([way, parent.kind, node]).toEqual([way, parent.kind, undefined])
          continue
        }
        if (!node) continue
        nodes.push(node)
        seen.add(`${way} from ${parent.kind}`)
        // A renewed token may end later than the one before it: its end is that of the session.
        const { expiresAt, ...rest } = await allowed(parent)
        const bound = way === 'renew' ? rest : { ...rest, expiresAt }
        expect(exceeds(await allowed(node), bound)).toEqual([])
      }
    }),
    { numRuns: 6 },
  )
  expect(seen.size).toBeGreaterThan(5)
}, 120_000)
