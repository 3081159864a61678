import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { exportJWK, generateKeyPair } from 'jose'
import { describe, expect, test } from 'vitest'
import { DEVICE_CODE } from '../../shared/oauth/clients/grant-types.ts'
import { NATIVE, SERVICE, useClientsCommand, WEB } from './clients-command.ts'

const { cli, json, eventsOf, inFolder } = useClientsCommand()

describe('add', () => {
  test('0: makes a public native client when every redirect stays on the machine', async () => {
    const client = await json('add', ...NATIVE, '--redirect-uri', 'com.example.app:/callback')
    expect(client).toEqual({
      client_id: expect.stringMatching(/^client_[0-9a-f]{32}$/),
      client_id_issued_at: expect.any(Number),
      client_name: 'My CLI',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['http://127.0.0.1:8080/callback', 'com.example.app:/callback'],
      scope: 'openid profile email',
      default_scope: 'openid profile email',
      status: 'active',
      first_party: false,
      account_access: 'none',
      origin: 'operator',
      secrets: 0,
    })
    expect(Math.abs(client.client_id_issued_at - Date.now() / 1000)).toBeLessThan(60)
  })

  test.each([
    [
      'web',
      { application_type: 'web', token_endpoint_auth_method: 'client_secret_basic' },
      'a confidential web client',
    ],
    ['spa', { application_type: 'web', token_endpoint_auth_method: 'none' }, 'a public browser client'],
    ['native', { application_type: 'native', token_endpoint_auth_method: 'none' }, 'a public native client'],
    ['device', { grant_types: [DEVICE_CODE, 'refresh_token'], response_types: [] }, 'a public device client'],
    ['service', { grant_types: ['client_credentials'], secrets: 1 }, 'a service'],
  ])('0: --type %s makes such a client and says so', async (type, metadata, said) => {
    const uris = 'grant_types' in metadata ? [] : ['--redirect-uri', 'http://localhost:3000/callback']
    expect(await json('add', '--name', 'Typed', '--type', type, ...uris)).toMatchObject(metadata)
    const { out } = await cli('add', '--name', 'Typed', '--type', type, ...uris)
    expect(out.split(':')[0]).toBe(`Added ${said}`)
  })

  test('0: says what was made and why where no type was given; 2 for an unknown type', async () => {
    const why = async (...args: string[]) => (await cli('add', ...args)).out.split('\n')[0]
    expect(await why(...NATIVE)).toBe(
      'Added a public native client: it has no secret and uses PKCE. No --type or --auth-method was given, and every redirect URI leads to the user’s own machine.',
    )
    expect(await why(...WEB)).toBe(
      'Added a confidential web client: its server has a secret. No --type or --auth-method was given, and it is reached at a website or has no redirect URI.',
    )
    expect(await why(...WEB, '--type', 'web', '--auth-method', 'none')).toBe(
      'Added a public browser client: it has no secret and uses PKCE.',
    )
    expect((await cli('add', ...WEB, '--type', 'mobile')).exitCode).toBe(2)
  })

  test('0: creates a confidential web client; the secret is shown once and only its SHA-256 is stored', async () => {
    const client = await json('add', ...WEB, '--client-id', 'web-app', '--first-party', '--access-token-seconds', '600')
    expect(client).toMatchObject({
      client_id: 'web-app',
      client_secret: expect.stringMatching(/^secret_[0-9a-f]{64}$/),
      client_secret_expires_at: 0,
      application_type: 'web',
      token_endpoint_auth_method: 'client_secret_basic',
      access_token_seconds: 600,
      first_party: true,
    })
    const [registered] = await eventsOf('web-app')
    const hash = createHash('sha256').update(client.client_secret).digest('hex')
    expect(registered).toMatchObject({
      type: 'ClientRegistered',
      data: { secretHash: hash },
      metadata: { actorType: 'operator' },
    })
    expect(JSON.stringify(registered)).not.toContain(client.client_secret)
    const shown = await json('show', 'WEB-APP')
    expect(shown).toMatchObject({ client_id: 'web-app', secrets: 1 })
    expect(shown).not.toHaveProperty('client_secret')
  })

  test('0: takes a file of RFC 7591 metadata, flags over it, and says what it ignores', async () => {
    const file = inFolder('client.json')
    const metadata = {
      client_id: 'from-file',
      client_name: 'File',
      redirect_uris: ['https://f.example/cb'],
      made_up: 'x',
    }
    await writeFile(file, JSON.stringify(metadata))
    const { exitCode, out, err } = await cli(
      'add',
      '--file',
      file,
      '--name',
      'Flag',
      '--auth-method',
      'client_secret_post',
      '--json',
    )
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: `ignored in ${file}: made_up` })
    expect(JSON.parse(out)).toMatchObject({
      client_id: 'from-file',
      client_name: 'Flag',
      token_endpoint_auth_method: 'client_secret_post',
    })
  })

  test('1: a client_id that differs from a known one in case only', async () => {
    expect(await cli('add', ...NATIVE, '--client-id', 'LanOnasis-CLI')).toEqual({
      exitCode: 1,
      out: '',
      err: 'There is already a client "LanOnasis-CLI"',
    })
  })

  test('0 and 1: of several that add the same client_id at the same time, one succeeds', async () => {
    const results = await Promise.all(
      ['race', 'Race', 'RACE', 'rAce'].map((id) => cli('add', ...NATIVE, '--client-id', id)),
    )
    expect(results.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1, 1, 1])
    const refused = results.filter(({ exitCode }) => exitCode === 1).map(({ err }) => err)
    for (const err of refused) expect(err).toMatch(/^There is already a client "race"$/i)
  })

  test.each([
    ['no name', ['--redirect-uri', 'https://a.example/'], 'client_name: is required'],
    ['no redirect', ['--name', 'x'], 'redirect_uris: at least one is needed'],
    [
      'http elsewhere',
      ['--name', 'x', '--redirect-uri', 'http://a.example/'],
      'redirect_uris: http://a.example/ is http outside of the loopback interface',
    ],
    [
      'a fragment',
      ['--name', 'x', '--redirect-uri', 'https://a.example/#f'],
      'redirect_uris: https://a.example/#f has a fragment',
    ],
    [
      'a forbidden scheme',
      ['--name', 'x', '--redirect-uri', 'javascript:alert(1)'],
      'redirect_uris: javascript:alert(1) has a forbidden scheme',
    ],
    ['refresh alone', [...WEB, '--grant-type', 'refresh_token'], 'grant_types: refresh_token needs another grant type'],
    [
      'a default beyond the scope',
      [...WEB, '--scope', 'a b', '--default-scope', 'b c'],
      'default_scope: c is not in scope',
    ],
    [
      'no PKCE for a public client',
      [...NATIVE, '--require-pkce', 'false'],
      'require_pkce: must be true for a public client',
    ],
    ['an unknown method', [...WEB, '--auth-method', 'magic'], 'token_endpoint_auth_method: is not supported'],
    ['a URL for an id', [...WEB, '--client-id', 'https://app.example'], 'client_id: must be 3 to 100 letters'],
    ['a long life', [...WEB, '--access-token-seconds', '999999'], 'access_token_seconds: must be 86400 or less'],
  ])('1: %s', async (_, args, message) => {
    const { exitCode, out, err } = await cli('add', ...args)
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' })
    expect(err).toContain(message)
  })
})

describe('clients of services', () => {
  test('0: a service that authenticates by certificate, with what it serves and may get tokens for', async () => {
    const client = await json(
      'add',
      ...SERVICE,
      ...['--grant-type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      ...['--auth-method', 'tls_client_auth', '--tls-client-auth-san-dns', 'keys.internal', '--certificate-bound'],
      ...['--resource', 'https://keys.example', '--exchange-resource', 'https://api.lanonasis.com'],
    )
    expect(client).toMatchObject({
      token_endpoint_auth_method: 'tls_client_auth',
      grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      response_types: [],
      redirect_uris: [],
      tls_client_auth_san_dns: 'keys.internal',
      tls_client_certificate_bound_access_tokens: true,
      resources: ['https://keys.example'],
      exchange_resources: ['https://api.lanonasis.com'],
    })
    expect(client).not.toHaveProperty('client_secret')
  })

  test('0: a service with a key set from a file; its private keys are refused', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const file = inFolder('jwks.json')
    const args = ['add', ...SERVICE, '--auth-method', 'private_key_jwt', '--jwks', file]
    await writeFile(file, JSON.stringify({ keys: [await exportJWK(publicKey)] }))
    expect(await json(...args)).toMatchObject({ jwks: { keys: [{ kty: 'EC', crv: 'P-256' }] } })
    await writeFile(file, JSON.stringify({ keys: [await exportJWK(privateKey)] }))
    const refused = await cli(...args)
    expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('must contain public keys only')])
  })

  test.each([
    ['a public service', ['--auth-method', 'none'], 'a public client cannot get tokens in its own name'],
    ['no keys', ['--auth-method', 'private_key_jwt'], 'jwks: is needed for private_key_jwt'],
    [
      'no name of the certificate',
      ['--auth-method', 'tls_client_auth'],
      'exactly one name of the certificate is required',
    ],
  ])('1: %s', async (_name, args, message) => {
    const refused = await cli('add', ...SERVICE, ...args)
    expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining(message)])
  })
})
