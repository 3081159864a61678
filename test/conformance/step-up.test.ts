import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { requestedAcr } from '../../shared/oauth/authorize/requested-acr.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { codeOf, enrolTotp } from '../support/operators.ts'
import { ageSessions, ageStepUp } from '../support/rows.ts'
import {
  authorize,
  authorizeParams,
  getTokens,
  newVerifier,
  type Page,
  post,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

const MFA = 'urn:lanonasis:acr:multi-factor'
const ADDRESS = 'urn:lanonasis:acr:verified-address'
const essential = (values: string[]) => JSON.stringify({ id_token: { acr: { essential: true, values } } })

const gateway = useGateway()

const open = ({ browser }: SignedInBrowser, changes: Record<string, string>, verifier = newVerifier()): Promise<Page> =>
  browser.visit(`/oauth/authorize?${new URLSearchParams(authorizeParams(verifier, changes))}`)
const answerOf = ({ location }: Page) => new URL(location ?? 'http://nowhere').searchParams
const ageSignIn = (uai: string, seconds: number) => ageSessions(gateway, uai, seconds)

async function redeem(answer: URLSearchParams, code_verifier: string) {
  const { client_id = '', redirect_uri = '' } = authorizeParams(code_verifier)
  const fields = { grant_type: 'authorization_code', client_id, redirect_uri, code_verifier }
  return (await post(gateway, '/oauth/token', { ...fields, code: answer.get('code') ?? '' })).body
}

describe('P3 S7 acr_values (RFC 9470 section 4, OpenID Connect Core section 3.1.2.1)', () => {
  test('a session of a lower assurance steps up and returns; both tokens and introspection show it', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    await gateway.sql`update auth_gateway.sessions set acr = ${ADDRESS}, amr = '{otp}', stepped_up_at = null where uai = ${ada.uai}`
    const verifier = newVerifier()
    const asked = await open(ada, { acr_values: `urn:example:gold ${MFA}` }, verifier)
    expect(asked.url).toContain('/web/step-up?return_to=')
    const consent = await ada.browser.submit(asked, { code: codeOf(app, 0) }, '/web/step-up')
    const done = await ada.browser.submit(consent, { decision: 'allow' }, '/oauth/consent')
    const tokens = await redeem(answerOf(done), verifier)
    const now = Date.now() / 1000
    for (const token of [tokens.id_token, tokens.access_token]) {
      const claims = decodeJwt(token)
      expect(claims).toMatchObject({ acr: MFA, amr: ['otp', 'mfa'] })
      expect(Math.abs(Number(claims.auth_time) - now)).toBeLessThan(60)
    }
    const { body } = await post(gateway, '/oauth/introspect', { token: tokens.access_token })
    expect(body).toMatchObject({ active: true, acr: MFA, amr: ['otp', 'mfa'], auth_time: expect.any(Number) })
  })

  test('a session of the same or a higher assurance is not asked again; an unknown value is ignored', async () => {
    const ada = await signIn(gateway)
    for (const acr_values of [ADDRESS, 'urn:example:gold', ''])
      expect((await open(ada, { acr_values })).html).toContain('/oauth/consent')
    await enrolTotp(ada)
    for (const acr_values of [ADDRESS, MFA, 'urn:lanonasis:acr:federated'])
      expect((await open(ada, { acr_values })).html).toContain('/oauth/consent')
  })

  test('prompt=none answers login_required instead of asking', async () => {
    const ada = await signIn(gateway)
    const page = await open(ada, { acr_values: MFA, prompt: 'none' })
    expect(answerOf(page).get('error')).toBe('login_required')
  })

  test('a person without an authenticator app sets one up on the way, and comes back', async () => {
    const ada = await signIn(gateway)
    const page = await open(ada, { acr_values: MFA })
    expect(page.url).toContain('/account/totp?return_to=%2Foauth%2Fauthorize')
  })

  test('a pushed request steps up and comes back too (RFC 9126 section 4)', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    await gateway.sql`update auth_gateway.sessions set acr = ${ADDRESS}, amr = '{otp}', stepped_up_at = null where uai = ${ada.uai}`
    const verifier = newVerifier()
    const { body } = await post(gateway, '/oauth/par', authorizeParams(verifier, { acr_values: MFA }))
    const query = new URLSearchParams({
      client_id: authorizeParams(verifier).client_id ?? '',
      request_uri: body.request_uri,
    })
    const asked = await ada.browser.visit(`/oauth/authorize?${query}`)
    expect(asked.url).toContain('/web/step-up')
    const consent = await ada.browser.submit(asked, { code: codeOf(app, 0) }, '/web/step-up')
    const done = await ada.browser.submit(consent, { decision: 'allow' }, '/oauth/consent')
    expect(decodeJwt((await redeem(answerOf(done), verifier)).id_token)).toMatchObject({ acr: MFA })
  })
})

describe('P3 max_age with acr_values (RFC 9470 section 4)', () => {
  test('a step-up that is too old is asked for again, not a sign-in; a fresh one is enough', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    await ageSignIn(ada.uai, 4000)
    expect((await open(ada, { acr_values: MFA, max_age: '900' })).html).toContain('/oauth/consent')
    await ageStepUp(gateway, ada.uai, 1000)
    const asked = await open(ada, { acr_values: MFA, max_age: '900' })
    expect(asked.url).toContain('/web/step-up')
    const back = await ada.browser.submit(asked, { code: codeOf(app, 0) }, '/web/step-up')
    expect(back.html).toContain('/oauth/consent')
  })

  test('max_age=0 asks once and does not go round in circles', async () => {
    const ada = await signIn(gateway)
    const app = await enrolTotp(ada)
    const asked = await open(ada, { acr_values: MFA, max_age: '0' })
    expect(asked.url).toContain('/web/step-up')
    expect((await ada.browser.submit(asked, { code: codeOf(app, 0) }, '/web/step-up')).html).toContain('/oauth/consent')
  })

  test('without acr_values an old session signs in again, and a later step-up counts', async () => {
    const ada = await signIn(gateway)
    await ageSignIn(ada.uai, 4000)
    expect((await open(ada, { max_age: '900' })).url).toContain('/web/login')
    await ageSignIn(ada.uai, -4000)
    await enrolTotp(ada)
    await ageSignIn(ada.uai, 4000)
    expect((await open(ada, { max_age: '900' })).html).toContain('/oauth/consent')
  })
})

describe('the claims parameter (OpenID Connect Core section 5.5.1.1)', () => {
  test('an essential acr is met by a step-up, or is unmet_authentication_requirements', async () => {
    const ada = await signIn(gateway)
    expect((await open(ada, { claims: essential([MFA]) })).url).toContain('/account/totp')
    expect((await open(ada, { claims: essential([ADDRESS]) })).html).toContain('/oauth/consent')
    for (const claims of [essential(['urn:example:gold']), essential(['urn:lanonasis:acr:federated'])]) {
      const answer = answerOf(await open(ada, { claims }))
      expect(answer.get('error')).toBe('unmet_authentication_requirements')
      expect(answer.get('iss')).toBe(gateway.url)
    }
  })

  test('a surer session does not pass for an essential value that it is not', async () => {
    const ada = await signIn(gateway)
    await enrolTotp(ada)
    const answer = answerOf(await open(ada, { claims: essential([ADDRESS]) }))
    expect(answer.get('error')).toBe('unmet_authentication_requirements')
  })

  test.each(['{', '[]', '"acr"', '{"id_token":{"acr":{"values":"gold"}}}', '{"id_token":[]}'])(
    'invalid_request for what is not a claims request: %s',
    async (claims) => {
      expect(answerOf(await open(await signIn(gateway), { claims })).get('error')).toBe('invalid_request')
    },
  )

  test('it precedes acr_values, and other claims are ignored', () => {
    const refuse = () => {
      throw new Error('refused')
    }
    const claims = JSON.stringify({ userinfo: { email: null }, id_token: { acr: { value: MFA }, email: null } })
    expect(requestedAcr(ADDRESS, claims, refuse)).toEqual({ values: [MFA], essential: false })
    expect(requestedAcr(ADDRESS, '{"id_token":{"acr":null}}', refuse)).toEqual({ values: [ADDRESS], essential: false })
    expect(requestedAcr(undefined, '{"id_token":{"acr":{"essential":true}}}', refuse)).toBeUndefined()
  })
})

describe('O1 P1 what tokens say stays what it was when they were allowed (RFC 9068 section 2.2.1)', () => {
  test('a step-up later, in the browser, does not make older tokens surer, refreshed ones neither', async () => {
    const ada = await signIn(gateway)
    const tokens = await getTokens(gateway, ada)
    const before = decodeJwt(tokens.access_token)
    await enrolTotp(ada)
    const { client_id = '' } = authorizeParams('')
    const fields = { grant_type: 'refresh_token', client_id, refresh_token: tokens.refresh_token }
    const { body } = await post(gateway, '/oauth/token', fields)
    for (const token of [body.access_token, body.id_token])
      expect(decodeJwt(token)).toMatchObject({ acr: ADDRESS, amr: ['otp'], auth_time: before.auth_time })
    const seen = await post(gateway, '/oauth/introspect', { token: body.access_token })
    expect(seen.body).toMatchObject({ acr: ADDRESS, amr: ['otp'], auth_time: before.auth_time })
    expect(decodeJwt((await getTokens(gateway, ada)).access_token)).toMatchObject({ acr: MFA })
  })

  test('nor does a step-up between consent and the code', async () => {
    const ada = await signIn(gateway)
    const verifier = newVerifier()
    const answer = await authorize(ada.browser, authorizeParams(verifier))
    await enrolTotp(ada)
    expect(decodeJwt((await redeem(answer, verifier)).access_token)).toMatchObject({ acr: ADDRESS, amr: ['otp'] })
  })

  test('a token that a service gets in exchange has the authentication claims of the person’s token (RFC 8693)', async () => {
    const api = 'https://api.lanonasis.com'
    const service = await addClient(gateway, 'stepping-service', {
      grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
      redirect_uris: [],
      resources: [api],
      exchange_resources: [api],
    } as never)
    const ada = await signIn(gateway)
    const { access_token } = await getTokens(gateway, ada, { scope: 'memories:read', resource: api })
    await enrolTotp(ada)
    const authorization = `Basic ${Buffer.from(`${service.client_id}:${encodeURIComponent(service.client_secret)}`).toString('base64')}`
    const { status, body } = await post(
      gateway,
      '/oauth/token',
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: access_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        resource: api,
      },
      { authorization },
    )
    expect({ status, body }).toMatchObject({ status: 200 })
    expect(decodeJwt(body.access_token)).toMatchObject({ acr: ADDRESS, amr: ['otp'], sub: ada.uai })
  })
})

test('the metadata names what can be asked for (RFC 9470 section 7, OpenID Connect Discovery section 3)', async () => {
  for (const path of ['oauth-authorization-server', 'openid-configuration']) {
    const metadata = await (await fetch(`${gateway.url}/.well-known/${path}`)).json()
    expect(metadata.acr_values_supported).toEqual(expect.arrayContaining([ADDRESS, MFA]))
    expect(metadata.claims_parameter_supported).toBe(true)
  }
})
