import { beforeAll, describe, expect, test } from 'vitest'
import { api, atBrowser, type Body, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { useGateway } from '../support/gateway.ts'
import { ageSessions, ageTokens, openLimits, setRole } from '../support/rows.ts'
import { getTokens, type SignedInBrowser, signIn } from '../support/sign-in.ts'

const KEYS = '/api/v1/api-keys'
const DAY = 86_400_000
const NOTE = 'It expires in 365 days. Create keys that do not expire at /account/api-keys.'
const REFUSED = { status: 401, body: { code: 'STEP_UP_REQUIRED' } }

const gateway = useGateway()
/** One person, with the shared token of the terminal and at a browser. */
let terminal: DirectSignIn
let browser: SignedInBrowser
beforeAll(async () => {
  browser = await signIn(gateway)
  await openLimits(gateway)
  terminal = await directSignIn(gateway, browser.email)
})

let names = 0
const everyday = (method: string, path: string, body?: object) =>
  api(gateway, method, `${KEYS}${path}`, { token: terminal.token, body })
const create = (body: object = {}) => everyday('POST', '', { name: `sensitive ${++names}`, ...body })
const createAtBrowser = (body: object = {}) =>
  atBrowser(gateway, browser, 'POST', KEYS, { name: `sensitive ${++names}`, ...body })
const daysLeft = ({ expires_at }: Body) => Math.round((Date.parse(expires_at) - Date.now()) / DAY)
const giveRole = (role: string) => setRole(gateway, terminal.uai, role)

describe('a key without an end', () => {
  test('201 with a year and a note for an everyday token that names no end, 201 as asked for one that does', async () => {
    const unnamed = await create()
    expect([unnamed.status, daysLeft(unnamed.body.data), unnamed.body.notes]).toEqual([201, 365, [NOTE]])
    for (const expires_in_days of [1, 365, 3650]) {
      const { status, body } = await create({ expires_in_days })
      expect([status, daysLeft(body.data), body.notes]).toEqual([201, expires_in_days, undefined])
    }
  })

  test('201 at a browser', async () => {
    const { status, body } = await createAtBrowser()
    expect([status, body.data.expires_at, body.notes]).toEqual([201, null, undefined])
  })

  test('201 for a token for the gateway alone after a recent authentication; with a year once that is old', async () => {
    const grant = { client_id: 'lanonasis-cli', redirect_uri: 'http://127.0.0.1:8888/callback', scope: 'read write' }
    const { access_token: token } = await getTokens(gateway, browser, { ...grant, resource: gateway.url })
    const made = () => api(gateway, 'POST', KEYS, { token, body: { name: `sensitive ${++names}` } })
    expect((await made()).body.data.expires_at).toBe(null)
    await ageSessions(gateway, browser.uai, 16 * 60)
    await ageTokens(gateway, browser.uai, 16 * 60)
    const { status, body } = await made()
    expect([status, daysLeft(body.data), body.notes]).toEqual([201, 365, [NOTE]])
  })

  test('401 for an everyday token that takes the end of a key away; the browser may; its name changes for both', async () => {
    const { data: key } = (await create()).body
    const asked = await everyday('PUT', `/${key.id}`, { clear_expiry: true })
    expect(asked).toMatchObject(REFUSED)
    expect(asked.headers.get('www-authenticate')).toContain('error="insufficient_user_authentication"')
    const cleared = await atBrowser(gateway, browser, 'PUT', `${KEYS}/${key.id}`, { clear_expiry: true })
    expect([cleared.status, cleared.body.data.expires_at]).toEqual([200, null])
    const renamed = await everyday('PUT', `/${key.id}`, { name: `sensitive ${++names}` })
    expect([renamed.status, renamed.body.data.expires_at]).toEqual([200, null])
  })

  test('200 with a year, for it and what was made from it, when an everyday token takes its new secret', async () => {
    const { data: key } = (await createAtBrowser({ scopes: ['api-keys:write', 'memories:read'] })).body
    const child = (await api(gateway, 'POST', KEYS, { key: key.key, body: { name: `sensitive ${++names}` } })).body.data
    expect(child.expires_at).toBe(null)
    const { status, body } = await everyday('POST', `/${key.id}/rotate`)
    expect([status, daysLeft(body.data), body.notes]).toEqual([200, 365, [NOTE]])
    expect((await everyday('GET', `/${child.id}`)).body.data.expires_at).toBe(body.data.expires_at)
    const again = await atBrowser(gateway, browser, 'POST', `${KEYS}/${key.id}/rotate`)
    expect([again.status, again.body.data.expires_at, again.body.notes]).toEqual([200, body.data.expires_at, undefined])
  })
})

describe('a key with scopes that only operators have', () => {
  test('401 for an everyday token to make, to widen and to rotate; a browser may', async () => {
    const plain = await newKey(gateway, terminal)
    await giveRole('platform_admin')
    for (const scope of ['*', 'admin:*', 'legacy:full_access']) {
      expect(await create({ scopes: [scope] })).toMatchObject(REFUSED)
      expect(await everyday('PUT', `/${plain.id}`, { scopes: [scope] })).toMatchObject(REFUSED)
    }
    const { status, body } = await createAtBrowser({ scopes: ['admin:*'], expires_in_days: 1 })
    expect([status, body.data.permissions]).toEqual([201, ['admin:*']])
    expect(await everyday('POST', `/${body.data.id}/rotate`)).toMatchObject(REFUSED)
    expect((await everyday('PUT', `/${body.data.id}`, { scopes: ['memories:read'] })).status).toBe(200)
    await giveRole('user')
  })
})
