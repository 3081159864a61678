import { beforeAll, describe, expect, test } from 'vitest'
import { api, type DirectSignIn, directSignIn, newKey } from '../support/api-keys.ts'
import { useGateway } from '../support/gateway.ts'

const gateway = useGateway({ env: { SYNC_WEBHOOK_SECRET: 'a secret of webhooks, of forty characters' } })
let ada: DirectSignIn
let key: { id: string; key: string }
let revoked: { id: string; key: string }
beforeAll(async () => {
  ada = await directSignIn(gateway)
  key = await newKey(gateway, ada, { scopes: ['memories:read'] })
  revoked = await newKey(gateway, ada)
  await api(gateway, 'POST', `/api/v1/api-keys/${revoked.id}/revoke`, { token: ada.token })
})

const PATHS = ['/health', '/api/v1/health', '/mcp/health', '/v1/sync/health']

describe.each(PATHS)('%s', (path) => {
  const ask = (headers: Record<string, string> = {}) => fetch(`${gateway.url}${path}`, { headers })

  test('200 for anyone, for a token, and for a key of whatever scope, however it is presented', async () => {
    const presented = [{}, { authorization: `Bearer ${ada.token}` }, { 'x-api-key': key.key }]
    const others = [{ authorization: `Bearer ${key.key}` }, { authorization: `ApiKey ${key.key}` }, { 'x-api-key': '' }]
    for (const headers of [...presented, ...others])
      expect([headers, (await ask(headers as Record<string, string>)).status]).toEqual([headers, 200])
  })

  test('401 for a credential that is not valid, so that no client takes it for one', async () => {
    const bad: [Record<string, string>, string][] = [
      [{ 'x-api-key': 'lano_junk' }, 'API_KEY_INVALID'],
      [{ 'x-api-key': revoked.key }, 'API_KEY_INVALID'],
      [{ authorization: `Bearer ${revoked.key}` }, 'API_KEY_INVALID'],
      [{ authorization: 'Bearer junk' }, 'AUTH_TOKEN_INVALID'],
      [{ authorization: `Bearer ${ada.token}x` }, 'AUTH_TOKEN_INVALID'],
      [{ authorization: 'Basic YTpi' }, 'AUTH_TOKEN_MISSING'],
    ]
    for (const [headers, code] of bad) {
      const answer = await ask(headers)
      expect([headers, answer.status, (await answer.json()).code]).toEqual([headers, 401, code])
    }
  })
})
