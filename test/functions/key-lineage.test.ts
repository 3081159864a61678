import { beforeAll, describe, expect, test } from 'vitest'
import { stopLeakedKey } from '../../shared/api-keys/key-lineage.ts'
import { createCall } from '../../shared/call.ts'
import { MAX_GENERATIONS } from '../../shared/domain/api-key.ts'
import { commit } from '../../shared/events/commit.ts'
import { api, type Body, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { joinOrganizationOf, setClientStatus, setKeyStatus, setRole } from '../support/rows.ts'
import { getTokens, post, signIn } from '../support/sign-in.ts'

const KEYS = '/api/v1/api-keys'
const DAY = 86_400_000

/** A key that is limited in every respect. */
const LIMITED = {
  scopes: ['api-keys:*', 'memories:read', 'memories:write'],
  access_level: 'authenticated',
  allowed_networks: ['10.0.0.0/8'],
  rate_limits: { max_calls_per_minute: 1000, max_calls_per_day: 5000 },
  max_uses: 4000,
  limits_counted_by: 'owner',
  service_type: 'specific',
  service_keys: ['memories', 'ai-chat'],
  binding: { client_id: 'hermes', audiences: ['https://a.example', 'https://b.example'] },
}
const CALLER = { 'x-client-id': 'hermes', 'x-auth-audience': 'https://a.example' }

const gateway = useGateway()
let ada: DirectSignIn
let limited: Body
beforeAll(async () => {
  // A key with audiences works at this gateway only if it is one of them.
  LIMITED.binding.audiences.push(gateway.url)
  ada = await directSignIn(gateway)
  limited = await newKey(gateway, ada, { ...LIMITED, expires_in_days: 30 })
}, 120_000)

let names = 0
const by = (key: Body, method: string, path: string, body?: object, headers: Record<string, string> = CALLER) =>
  api(gateway, method, `${KEYS}${path}`, { key: key.key, body, headers })
const make = (key: Body, body: object = {}) => by(key, 'POST', '', { name: `child ${++names}`, ...body })
const child = async (key: Body, body: object = {}): Promise<Body> => {
  const made = await make(key, body)
  if (made.status !== 201) throw new Error(`no key: ${made.status} ${JSON.stringify(made.body)}`)
  return made.body.data
}
const asOwner = (method: string, path: string, body?: object) =>
  api(gateway, method, `${KEYS}${path}`, { token: ada.token, body })
const verify = (key: Body) => api(gateway, 'POST', '/v1/auth/verify-api-key', { key: key.key, headers: CALLER })
const shown = async ({ id }: Body) => (await asOwner('GET', `/${id}`)).body.data
const historyOf = async ({ id }: Body) =>
  (await asOwner('GET', `/${id}/history`)).body.data.map(({ type, reason, details }: Body) => [
    type,
    reason,
    details.parent,
  ])
const manager = (settings: object = {}) =>
  newKey(gateway, ada, { scopes: ['api-keys:*', 'memories:read', 'memories:write'], ...settings })
const exceeded = (...respects: string[]) => ({
  status: 403,
  body: { code: 'DERIVATION_EXCEEDED', details: Object.fromEntries(respects.map((one) => [one, expect.anything()])) },
})

describe('a key that a key makes', () => {
  test('201 with every limit of the one that made it, and ends with it', async () => {
    const made = await child(limited)
    const { allowed_networks, rate_limits, max_uses, limits_counted_by, service, service_scopes, binding } = limited
    expect(made).toMatchObject({
      parent_id: limited.id,
      scopes: ['memories:read'],
      access_level: 'authenticated',
      expires_at: limited.expires_at,
      ...{ allowed_networks, rate_limits, max_uses, limits_counted_by, service, service_scopes, binding },
    })
  })

  test('201 with the end of the one that made it, where it was asked to last longer, and a note', async () => {
    const { status, body } = await make(limited, { expires_in_days: 365 })
    expect([status, body.data.expires_at, body.notes]).toEqual([
      201,
      limited.expires_at,
      ['It expires with the key that created it.'],
    ])
    const sooner = await make(limited, { expires_in_days: 1 })
    expect(new Date(sooner.body.data.expires_at).getTime()).toBeLessThan(Date.now() + DAY)
    expect(sooner.body.notes).toBeUndefined()
  })

  test.each<[string, object]>([
    ['allowed_networks', { allowed_networks: [] }],
    ['allowed_networks', { allowed_networks: ['0.0.0.0/0'] }],
    ['allowed_networks', { allowed_networks: ['10.1.0.0/16', '192.0.2.1'] }],
    ['rate_limits', { rate_limits: {} }],
    ['rate_limits', { rate_limits: { max_calls_per_minute: 1001, max_calls_per_day: 5000 } }],
    ['rate_limits', { max_uses: 0 }],
    ['rate_limits', { max_uses: 4001 }],
    ['rate_limits', { limits_counted_by: 'key' }],
    ['service_keys', { service_type: 'all' }],
    ['service_keys', { service_keys: ['memories', 'transcribe'] }],
    ['binding', { binding: {} }],
    ['binding', { binding: { client_id: 'other', audiences: ['https://a.example'] } }],
    ['binding', { binding: { client_id: 'hermes' } }],
    ['access_level', { access_level: 'team' }],
    ['owner', { owner: 'organization' }],
  ])('403 for a looser one (%s): %j', async (respect, body) => {
    expect(await make(limited, body)).toMatchObject(exceeded(respect))
  })

  test('201 for a tighter one in every respect', async () => {
    const body = {
      ...{ scopes: ['memories:read'], allowed_networks: ['10.1.0.0/16'], max_uses: 10, service_keys: ['memories'] },
      rate_limits: { max_calls_per_minute: 10, max_calls_per_day: 20 },
      binding: { client_id: 'hermes', audiences: ['https://a.example'], installation_id: 'one' },
      access_level: 'public',
    }
    const { service_keys, ...settings } = body
    const made = await child(limited, body)
    expect(made).toMatchObject(settings)
    expect(made.service_scopes.map((one: Body) => one.service_key)).toEqual(service_keys)
  })

  test(`403 for one more than ${MAX_GENERATIONS} in a line`, async () => {
    const first = await manager()
    let last = first
    for (let n = 2; n <= MAX_GENERATIONS; n += 1) last = await child(last, { scopes: ['api-keys:*'] })
    expect((await make(last, { scopes: ['api-keys:*'] })).body.code).toBe('DERIVATION_EXCEEDED')
  })

  test('201 for each of ten at once, and the one that made them ends them all', async () => {
    const parent = await manager()
    const made = await Promise.all(Array.from({ length: 10 }, () => make(parent)))
    expect(made.map(({ status }) => status)).toEqual(Array(10).fill(201))
    await asOwner('POST', `/${parent.id}/revoke`)
    const verdicts = await Promise.all(made.map(({ body }) => verify(body.data)))
    expect(verdicts.map(({ status }) => status)).toEqual(Array(10).fill(401))
  })
})

describe('a key of an organization', () => {
  test('its creator alone loosens and rotates it; other members narrow and revoke it', async () => {
    const eve = await directSignIn(gateway)
    await joinOrganizationOf(gateway, ada.uai, eve.uai)
    const key = await newKey(gateway, ada, {
      owner: 'organization',
      scopes: ['memories:read', 'memories:write'],
      expires_in_days: 30,
    })
    const asEve = (method: string, path: string, body?: object) =>
      api(gateway, method, `${KEYS}/${key.id}${path}`, { token: eve.token, body })
    expect((await asEve('GET', '')).status).toBe(200)
    expect(await asEve('POST', '/rotate')).toMatchObject(exceeded('id'))
    expect(await asEve('PUT', '', { clear_expiry: true })).toMatchObject(exceeded('expires_at'))
    expect(await asEve('PUT', '', { scopes: ['memories:*'] })).toMatchObject(exceeded('scopes'))
    expect((await asEve('PUT', '', { scopes: ['memories:read'] })).status).toBe(200)
    expect((await asOwner('POST', `/${key.id}/rotate`)).status).toBe(200)
    expect((await asEve('POST', '/revoke')).status).toBe(200)
  })
})

describe('a key with audiences', () => {
  test('403 at this gateway where it is not one of them, whatever the caller names', async () => {
    const binding = { audiences: ['https://a.example'] }
    const key = await newKey(gateway, ada, { scopes: ['api-keys:*'], binding })
    for (const headers of [{}, CALLER, { 'x-auth-audience': gateway.url }] as Record<string, string>[])
      expect(await by(key, 'GET', '', undefined, headers)).toMatchObject({
        status: 403,
        body: { code: 'BINDING_MISMATCH' },
      })
    expect((await verify(key)).status).toBe(200)
  })
})

test('401 for a key whose parent no longer works, should one be left', async () => {
  const parent = await manager()
  const made = await child(parent, { scopes: ['api-keys:*'] })
  const last = await child(made, { scopes: ['api-keys:*'] })
  expect((await verify(last)).status).toBe(200)
  await setKeyStatus(gateway, parent.id, 'revoked')
  expect([(await verify(made)).status, (await verify(last)).status]).toEqual([401, 401])
})

describe('a key changes nothing for the looser', () => {
  test.each<[string, object]>([
    ['expires_at', { clear_expiry: true }],
    ['expires_at', { expires_in_days: 31 }],
    ['allowed_networks', { allowed_networks: [] }],
    ['rate_limits', { rate_limits: {} }],
    ['rate_limits', { max_uses: 4001 }],
    ['service_keys', { service_type: 'all' }],
    ['binding', { binding: {} }],
    ['access_level', { access_level: 'team' }],
    ['scopes', { scopes: ['memories:*', 'api-keys:*'] }],
  ])('403 for itself (%s): %j', async (respect, body) => {
    const answer = await by(limited, 'PUT', `/${limited.id}`, body)
    const wanted = respect === 'scopes' ? { status: 403, body: { code: 'SCOPE_NOT_ALLOWED' } } : exceeded(respect)
    expect(answer).toMatchObject(wanted)
  })

  test('403 for the services of itself, and for another key of its owner', async () => {
    const services = { service_keys: ['memories', 'ai-chat', 'transcribe'] }
    expect(await by(limited, 'PUT', `/${limited.id}/service-scopes`, services)).toMatchObject(exceeded('service_keys'))
    const other = await newKey(gateway, ada, { expires_in_days: 5, max_uses: 5 })
    expect(await by(limited, 'PUT', `/${other.id}`, { clear_expiry: true })).toMatchObject(exceeded('expires_at'))
    expect(await by(limited, 'PUT', `/${other.id}`, { max_uses: 6 })).toMatchObject(exceeded('rate_limits'))
    expect((await by(limited, 'PUT', `/${other.id}`, { max_uses: 4 })).body.data.max_uses).toBe(4)
  })

  test('403 for the new secret of a key that it did not make; 200 for its own, and of one that it made', async () => {
    const parent = await manager()
    const other = await newKey(gateway, ada)
    const made = await child(parent)
    expect(await by(parent, 'POST', `/${other.id}/rotate`)).toMatchObject(exceeded('id'))
    expect((await by(parent, 'POST', `/${made.id}/rotate`)).status).toBe(200)
    expect((await by(parent, 'POST', `/${parent.id}/rotate`)).status).toBe(200)
  })

  test('200 for its owner, who loosens it; 403 beyond the key that it was made from', async () => {
    const parent = await manager({ expires_in_days: 10 })
    const made = await child(parent, { expires_in_days: 5, max_uses: 5 })
    expect((await asOwner('PUT', `/${made.id}`, { expires_in_days: 9, max_uses: 0 })).status).toBe(200)
    expect(await asOwner('PUT', `/${made.id}`, { clear_expiry: true })).toMatchObject(exceeded('expires_at'))
    expect(await asOwner('PUT', `/${made.id}`, { scopes: ['memories:delete'] })).toMatchObject(exceeded('scopes'))
  })
})

describe('who ends the parent ends the child', () => {
  const leak = (key: Body) =>
    commit(createCall(gateway.gateway), (work) =>
      stopLeakedKey(work, { id: key.id, createdBy: ada.uai }, { policy: 'quarantine', source: 'test' }),
    )
  const ways: [string, (key: Body) => Promise<unknown>][] = [
    ['parent_revoked', (key) => asOwner('POST', `/${key.id}/revoke`)],
    ['parent_deleted', (key) => asOwner('DELETE', `/${key.id}`)],
    ['parent_leaked', leak],
  ]
  test.each(ways)('%s: refused by the next request, shown in the history of each', async (reason, end) => {
    const parent = await manager()
    const made = await child(parent, { scopes: ['api-keys:*', 'memories:read'] })
    const grandchild = await child(made)
    expect([made, grandchild].map(({ parent_id }) => parent_id)).toEqual([parent.id, made.id])
    await end(parent)
    expect([(await verify(made)).status, (await verify(grandchild)).status]).toEqual([401, 401])
    expect((await historyOf(made)).at(-1)).toEqual(['ApiKeyRevoked', reason, parent.id])
    expect((await historyOf(grandchild)).at(-1)).toEqual(['ApiKeyRevoked', reason, made.id])
    expect(await shown(grandchild)).toMatchObject({ status: 'revoked', is_active: false })
  })

  test('a key that a rotation reactivates does not restore the keys derived from it', async () => {
    const parent = await manager()
    const made = await child(parent)
    await leak(parent)
    expect((await asOwner('POST', `/${parent.id}/rotate`)).status).toBe(200)
    expect((await verify(made)).status).toBe(401)
    expect((await asOwner('POST', `/${made.id}/rotate`)).body.code).toBe('KEY_NOT_ACTIVE')
  })

  test('narrowing a key narrows what was made from it, down the line', async () => {
    const parent = await manager({ expires_in_days: 20 })
    const made = await child(parent, { scopes: ['api-keys:*', 'memories:read', 'memories:write'] })
    const grandchild = await child(made, { scopes: ['memories:read', 'memories:write'] })
    const body = { scopes: ['api-keys:*', 'memories:read'], expires_in_days: 2, allowed_networks: ['10.0.0.0/9'] }
    const { data } = (await asOwner('PUT', `/${parent.id}`, body)).body
    for (const one of [made, grandchild])
      expect(await shown(one)).toMatchObject({ expires_at: data.expires_at, allowed_networks: ['10.0.0.0/9'] })
    expect((await shown(grandchild)).scopes).toEqual(['memories:read'])
    expect((await historyOf(grandchild)).at(-1)).toEqual(['ApiKeyNarrowed', 'parent_narrowed', made.id])
  })

  test('narrowing a key ends what has nothing left', async () => {
    const parent = await manager()
    const made = await child(parent, { scopes: ['memories:write'] })
    await asOwner('PUT', `/${parent.id}`, { scopes: ['memories:read', 'api-keys:*'] })
    expect((await verify(made)).status).toBe(401)
    expect((await historyOf(made)).at(-1)).toEqual(['ApiKeyRevoked', 'parent_narrowed', parent.id])
  })

  test('a key that is made while its parent is revoked does not outlive it', async () => {
    const parent = await manager()
    const [revoked, ...made] = await Promise.all([
      asOwner('POST', `/${parent.id}/revoke`),
      ...Array.from({ length: 19 }, () => make(parent)),
    ])
    expect(revoked.status).toBe(200)
    const keys = made.filter(({ status }) => status === 201).map(({ body }) => body.data)
    for (const key of keys) expect((await verify(key)).status).toBe(401)
    const { data } = (await asOwner('GET', '')).body
    expect(data.filter((one: Body) => one.parent_id === parent.id)).toEqual([])
  })
})

describe('uses of a key count for those that it was made from', () => {
  test('200 as often as the parent has uses, of thirty at once over three keys', async () => {
    const parent = await manager({ max_uses: 12 })
    const keys = [await child(parent), await child(parent)]
    const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => verify([parent, ...keys][n % 3])))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
    expect((await shown(parent)).remaining_uses).toBe(0)
  })

  test('429 past the calls of a minute of the parent', async () => {
    const parent = await manager({ rate_limits: { max_calls_per_minute: 4 } })
    const keys = [await child(parent), await child(parent)]
    const answers = []
    for (const key of [...keys, ...keys]) answers.push((await verify(key)).status)
    expect(answers).toEqual([200, 200, 429, 429])
  })
})

describe('other applications and services', () => {
  const partner = async () => {
    const person = await signIn(gateway)
    const id = `partner-${++names}`
    const { redirect_uri } = await addClient(gateway, id, {
      token_endpoint_auth_method: 'none',
      scope: 'openid memories:read api-keys:write',
    })
    const scope = 'openid memories:read api-keys:write'
    const grant = { client_id: id, redirect_uri, scope, resource: gateway.url }
    const { access_token: token } = await getTokens(gateway, person, grant)
    const cookie = `lanonasis_session=${person.browser.cookies.get('lanonasis_session')}`
    const cutOff = () => api(gateway, 'DELETE', `/v1/auth/applications?client_id=${id}`, { headers: { cookie } })
    const create = (body: object = {}) =>
      api(gateway, 'POST', KEYS, { token, body: { name: `app ${++names}`, expires_in_days: 9, ...body } })
    return { id, token, cutOff, create, cookie }
  }

  test('a key that an application made ends when the person revokes the application', async () => {
    const { create, cutOff } = await partner()
    const { data: made } = (await create({ scopes: ['memories:read'] })).body
    expect((await verify(made)).status).toBe(200)
    expect((await cutOff()).status).toBe(200)
    expect((await verify(made)).status).toBe(401)
    expect((await cutOff()).status).toBe(404)
  })

  test('keys that it makes while it is being revoked do not outlive the revocation', async () => {
    const { create, cutOff } = await partner()
    const [cut, ...made] = await Promise.all([cutOff(), ...Array.from({ length: 19 }, () => create())])
    expect(cut.status).toBe(200)
    const keys = made.filter(({ status }) => status === 201).map(({ body }) => body.data)
    for (const key of keys) expect((await verify(key)).status).toBe(401)
  })

  test('401 for its keys while an operator has suspended it', async () => {
    const { id, create } = await partner()
    const { data: made } = (await create()).body
    await setClientStatus(gateway, id, 'suspended')
    expect((await verify(made)).status).toBe(401)
  })

  test('403 for an application that loosens a key of the person, or takes its secret', async () => {
    const { token, cookie } = await partner()
    const body = { name: `own ${++names}`, expires_in_days: 5 }
    const { data: own } = (await api(gateway, 'POST', KEYS, { body, headers: { cookie } })).body
    const loosened = await api(gateway, 'PUT', `${KEYS}/${own.id}`, { token, body: { clear_expiry: true } })
    expect(loosened).toMatchObject(exceeded('expires_at'))
    expect(await api(gateway, 'POST', `${KEYS}/${own.id}/rotate`, { token })).toMatchObject(exceeded('id'))
  })
})

describe('what a person may have', () => {
  test('201 without what means nothing here, and a note of it', async () => {
    const scopes = ['memories:read', 'foo', 'identities:merge', 'maple:read', 'mem*:read', 'memory.write']
    const { status, body } = await asOwner('POST', '', { name: 'noted', scopes, expires_in_days: 1 })
    expect([status, body.data.scopes, body.notes]).toEqual([
      201,
      ['memories:read', 'memories:write'],
      ['Unknown and ignored: foo, identities:merge, maple:read, mem*:read.'],
    ])
  })

  test('400 when nothing of it means anything', async () => {
    const answer = await asOwner('POST', '', { name: 'nothing', scopes: ['identities:merge'] })
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_SCOPE' } })
  })

  test.each(['enterprise', 'admin'])('201 with the access level that a user can have, instead of %s', async (level) => {
    const { status, body } = await asOwner('POST', '', {
      ...{ name: `level ${level}`, access_level: level, expires_in_days: 1 },
    })
    expect([status, body.data.access_level, body.notes]).toEqual([201, 'team', ['The access level is team.']])
  })

  test('a token has no scope that its person may not have; a renewed one has none that they have lost', async () => {
    const person = await signIn(gateway)
    const role = (one: string) => setRole(gateway, person.uai, one)
    const { redirect_uri } = await addClient(gateway, 'master-app', {
      token_endpoint_auth_method: 'none',
      scope: 'openid memories:read admin:* identities:merge maple:read',
    })
    const scope = 'openid memories:read admin:* identities:merge maple:read'
    const grant = { client_id: 'master-app', redirect_uri, scope }
    expect((await getTokens(gateway, person, grant)).scope).toBe('openid memories:read maple:read')
    await role('platform_admin')
    const tokens = await getTokens(gateway, person, grant)
    expect(tokens.scope).toBe(scope)
    await role('user')
    const refresh = { grant_type: 'refresh_token', client_id: 'master-app', refresh_token: tokens.refresh_token ?? '' }
    expect((await post(gateway, '/oauth/token', refresh)).body.scope).toBe('openid memories:read maple:read')
  })

  test('the same for a token that a device gets', async () => {
    const { browser } = await signIn(gateway)
    const [client_id, grant_type] = ['master-device', 'urn:ietf:params:oauth:grant-type:device_code']
    const scope = 'openid memories:read admin:* identities:merge maple:read'
    await addClient(gateway, client_id, { token_endpoint_auth_method: 'none', grant_types: [grant_type], scope })
    const { device_code, user_code } = (await post(gateway, '/oauth/device', { client_id, scope })).body
    const page = await browser.visit(`/oauth/device?code=${user_code}`)
    await browser.submit(page, { decision: 'approve' }, '/oauth/device/decision')
    const { body } = await post(gateway, '/oauth/token', { grant_type, device_code, client_id })
    expect(body.scope).toBe('openid memories:read maple:read')
  })

  test('an access level that the owner loses, its keys lose', async () => {
    const root = await directSignIn(gateway)
    await setRole(gateway, root.uai, 'platform_admin')
    const key = await newKey(gateway, root, { access_level: 'admin' })
    expect((await verify(key)).body.accessLevel).toBe('admin')
    await setRole(gateway, root.uai, 'user')
    expect((await verify(key)).body.accessLevel).toBe('team')
  })
})
