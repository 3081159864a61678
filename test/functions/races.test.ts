import { beforeAll, describe, expect, test } from 'vitest'
import { eventsOf, IP_HEADER, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import {
  authorize,
  authorizeParams,
  getTokens,
  NATIVE,
  newVerifier,
  post,
  postJson,
  type SignedInBrowser,
  signIn,
} from '../support/sign-in.ts'

const PARALLEL = 20
const gateway = useGateway()
let person: SignedInBrowser
beforeAll(async () => {
  person = await signIn(gateway)
})

const atOnce = <T>(work: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: PARALLEL }, (_, i) => work(i)))
const typesOf = async (kind: string, id: string) => (await eventsOf(gateway, kind, id)).map((one) => one.event_type)
const statusesOf = (answers: { status: number }[]) => answers.map(({ status }) => status).sort()
const expectedStatuses = (winners: number, losers: number) => [
  ...Array(winners).fill(200),
  ...Array(PARALLEL - winners).fill(losers),
]

async function newCode() {
  const verifier = newVerifier()
  const code = (await authorize(person.browser, authorizeParams(verifier))).get('code') ?? ''
  return { grant_type: 'authorization_code', ...NATIVE, code, code_verifier: verifier }
}

async function familyOf(token: string): Promise<string> {
  const { body } = await post(gateway, '/oauth/introspect', { token })
  const [row] =
    await gateway.sql`select id from auth_gateway.token_families where session_id = ${body.sid} order by id desc`
  return row?.id
}

const refreshForm = (refresh_token: string) => ({
  grant_type: 'refresh_token',
  client_id: NATIVE.client_id,
  refresh_token,
})

describe('authorization code', () => {
  test('200 for one of twenty, 400 for the rest, whose replay revokes the family', async () => {
    const form = await newCode()
    const answers = await atOnce(() => post(gateway, '/oauth/token', form))
    expect(statusesOf(answers)).toEqual(expectedStatuses(1, 400))
    for (const { body } of answers.filter(({ status }) => status === 400)) expect(body.error).toBe('invalid_grant')
    const won = answers.find(({ status }) => status === 200)?.body
    const introspected = await post(gateway, '/oauth/introspect', { token: won.access_token })
    expect(introspected.body).toEqual({ active: false })
    const families =
      await gateway.sql`select count(*)::int as n from auth_gateway.token_families where revoked_at is null`
    expect(families[0]?.n).toBe(0)
    expect((await post(gateway, '/oauth/token', refreshForm(won.refresh_token))).status).toBe(400)
  })

  test('400 for a replay with a wrong verifier, which revokes nothing', async () => {
    const form = await newCode()
    const { body } = await post(gateway, '/oauth/token', form)
    const replay = await post(gateway, '/oauth/token', { ...form, code_verifier: newVerifier() })
    expect(replay.status).toBe(400)
    expect((await post(gateway, '/oauth/introspect', { token: body.access_token })).body.active).toBe(true)
  })
})

describe('refresh token', () => {
  test('200 for twenty at once, all with the same answer, from one rotation', async () => {
    const tokens = await getTokens(gateway, person)
    const answers = await atOnce(() => post(gateway, '/oauth/token', refreshForm(tokens.refresh_token)))
    expect(statusesOf(answers)).toEqual(expectedStatuses(PARALLEL, 400))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    const family = await familyOf(answers[0]?.body.access_token)
    expect(await typesOf('token_family', family)).toEqual(['TokenFamilyStarted', 'RefreshTokenRotated'])
  })

  test('400 for a grace replay that asks for another scope, and the answer stays with its client', async () => {
    const tokens = await getTokens(gateway, person)
    await post(gateway, '/oauth/token', refreshForm(tokens.refresh_token))
    const other = await post(gateway, '/oauth/token', { ...refreshForm(tokens.refresh_token), scope: 'openid' })
    expect(other).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    const stranger = { ...refreshForm(tokens.refresh_token), client_id: 'lanonasis-cli' }
    expect(await post(gateway, '/oauth/token', stranger)).toMatchObject({ status: 400 })
  })

  test('400 after the grace window, and the family is revoked', async () => {
    const tokens = await getTokens(gateway, person)
    const { body: next } = await post(gateway, '/oauth/token', refreshForm(tokens.refresh_token))
    const family = await familyOf(next.access_token)
    await gateway.sql`update auth_gateway.token_families set rotated_at = rotated_at - interval '31 seconds' where id = ${family}`
    const replay = await post(gateway, '/oauth/token', refreshForm(tokens.refresh_token))
    expect(replay).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await post(gateway, '/oauth/introspect', { token: next.access_token })).body).toEqual({ active: false })
    expect(await post(gateway, '/oauth/token', refreshForm(next.refresh_token))).toMatchObject({ status: 400 })
    expect(await typesOf('token_family', family)).toEqual([
      'TokenFamilyStarted',
      'RefreshTokenRotated',
      'RefreshTokenReplayed',
      'TokenFamilyRevoked',
    ])
  })

  test('400 for the token before the last one even inside the window, and the family is revoked', async () => {
    const first = await getTokens(gateway, person)
    const { body: second } = await post(gateway, '/oauth/token', refreshForm(first.refresh_token))
    const { body: third } = await post(gateway, '/oauth/token', refreshForm(second.refresh_token))
    expect(await post(gateway, '/oauth/token', refreshForm(first.refresh_token))).toMatchObject({ status: 400 })
    expect(await post(gateway, '/oauth/token', refreshForm(third.refresh_token))).toMatchObject({ status: 400 })
  })

  test('200 { revoked: true } for an old refresh token, which takes its family along', async () => {
    const first = await getTokens(gateway, person)
    const { body: second } = await post(gateway, '/oauth/token', refreshForm(first.refresh_token))
    const form = { token: first.refresh_token, client_id: NATIVE.client_id }
    expect((await post(gateway, '/oauth/revoke', form)).body).toEqual({ revoked: true })
    expect((await post(gateway, '/oauth/introspect', { token: second.access_token })).body).toEqual({ active: false })
  })
})

describe('one-time code', () => {
  const send = (email: string, headers = {}) => postJson(gateway, '/v1/auth/otp/send', { email }, headers)

  test('200 for one of twenty right answers, one session, one identity', async () => {
    const email = newEmail()
    await send(email)
    const form = { email, token: gateway.inbox.codeFor(email) }
    const answers = await atOnce(() => postJson(gateway, '/v1/auth/otp/verify', form))
    expect(statusesOf(answers)).toEqual(expectedStatuses(1, 400))
    expect(answers.find(({ status }) => status === 400)?.body.code).toBe('OTP_INVALID')
    const { id } = answers.find(({ status }) => status === 200)?.body.user ?? {}
    const [row] = await gateway.sql`select count(*)::int as n from auth_gateway.sessions where uai = ${id}`
    expect(row?.n).toBe(1)
  })

  test('400 for twenty wrong answers at once, of which five are counted before the code is locked', async () => {
    const [email, from] = [newEmail(), { [IP_HEADER]: randomIp() }]
    await send(email, from)
    const right = gateway.inbox.codeFor(email)
    const wrong = right === '000000' ? '111111' : '000000'
    const guess = (token: string) => postJson(gateway, '/v1/auth/otp/verify', { email, token }, from)
    const answers = await atOnce(() => guess(wrong))
    expect(statusesOf(answers)).toEqual(Array(20).fill(400))
    const { id = '' } = gateway.inbox.sent.find((one) => one.to === email) ?? {}
    const types = await typesOf('otp_challenge', id)
    expect(types.filter((type) => type === 'OtpAttemptFailed')).toHaveLength(5)
    expect(types.at(-1)).toBe('OtpChallengeLocked')
    expect((await guess(right)).body.code).toBe('OTP_INVALID')
  })

  test('20 wrong codes at once from networks that did not ask: five are compared, and the code is still good', async () => {
    const [email, from] = [newEmail(), { [IP_HEADER]: randomIp() }]
    await send(email, from)
    const right = gateway.inbox.codeFor(email)
    const wrong = right === '000000' ? '111111' : '000000'
    const answers = await atOnce(() => postJson(gateway, '/v1/auth/otp/verify', { email, token: wrong }))
    expect(statusesOf(answers)).toEqual(Array(20).fill(400))
    const { limiter } = gateway.gateway
    const [{ bucket = '' } = {}] = limiter.of('otp-elsewhere', email)
    const [row] = await gateway.sql`select count from auth_gateway.rate_limits where bucket = ${bucket}`
    expect(row?.count).toBe(5)
    expect((await postJson(gateway, '/v1/auth/otp/verify', { email, token: right }, from)).status).toBe(200)
  })

  test('one code at most is good when twenty are asked for at once', async () => {
    const email = newEmail()
    const answers = await atOnce(() => send(email))
    expect(statusesOf(answers)).toEqual(expectedStatuses(1, 429))
    expect(gateway.inbox.sent.filter(({ to }) => to === email)).toHaveLength(1)
  })

  test('one identity when two people claim a new address with two codes at once', async () => {
    const email = newEmail()
    await send(email)
    await openLimits(gateway)
    await send(email)
    const codes = gateway.inbox.sent.filter(({ to }) => to === email).map(({ code }) => code)
    expect(codes).toHaveLength(2)
    const answers = await Promise.all(codes.map((token) => postJson(gateway, '/v1/auth/otp/verify', { email, token })))
    expect(answers.map(({ status }) => status)).toEqual([400, 200])
  })
})

test('consent: one of twenty answers counts, and equal ones are one answer', async () => {
  const browser = (await signIn(gateway)).browser
  const open = () => browser.visit(`/oauth/authorize?${new URLSearchParams(authorizeParams(newVerifier()))}`)
  const page = await open()
  let n = 0
  const different = await atOnce(() => browser.submit(page, { decision: 'allow', n: String(n++) }, '/oauth/consent'))
  expect(different.filter(({ location }) => location?.includes('code='))).toHaveLength(1)
  expect(different.filter(({ location }) => !location).map(({ status }) => status)).toEqual(
    Array(PARALLEL - 1).fill(403),
  )
  const other = await open()
  const equal = await atOnce(() => browser.submit(other, { decision: 'allow' }, '/oauth/consent'))
  expect(new Set(equal.map(({ location }) => location)).size).toBe(1)
  expect(equal[0]?.location).toContain('code=')
})

test('consent: ten first requests of one application at once are all answered, from one consent', async () => {
  const { browser, uai } = await signIn(gateway)
  const pages = await Promise.all(
    Array.from({ length: 10 }, () =>
      browser.visit(`/oauth/authorize?${new URLSearchParams(authorizeParams(newVerifier()))}`),
    ),
  )
  const answers = await Promise.all(pages.map((page) => browser.submit(page, { decision: 'allow' }, '/oauth/consent')))
  expect(answers.filter(({ location }) => location?.includes('code='))).toHaveLength(10)
  const rows = await gateway.sql`select 1 from auth_gateway.consents where uai = ${uai}`
  expect(rows).toHaveLength(1)
})

test('logout: a refresh and a sign-out at the same moment leave nothing that works', async () => {
  for (let round = 0; round < 5; round++) {
    const email = newEmail()
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const { body: pair } = await postJson(gateway, '/v1/auth/otp/verify', {
      email,
      token: gateway.inbox.codeFor(email),
    })
    const bearer = { authorization: `Bearer ${pair.access_token}` }
    const [refreshed] = await Promise.all([
      postJson(gateway, '/v1/auth/refresh', { refresh_token: pair.refresh_token }),
      postJson(gateway, '/v1/auth/logout', {}, bearer),
    ])
    for (const token of [pair.access_token, refreshed.body.access_token].filter(Boolean))
      expect((await postJson(gateway, '/v1/auth/verify-token', { token })).body.valid).toBe(false)
  }
})
