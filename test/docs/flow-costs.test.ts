import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { withGenerated } from '../../scripts/lib/generated-part.ts'
import { addClient, IP_HEADER, newEmail, randomIp, useGateway } from '../support/gateway.ts'
import { openLimits } from '../support/rows.ts'
import { authorizeParams, createBrowser, getTokens, newVerifier, post, postJson, signIn } from '../support/sign-in.ts'

const gateway = useGateway({ countStatements: true })
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const DASHBOARD = {
  client_id: 'lanonasis-api-dashboard',
  redirect_uri: 'https://dashboard.lanonasis.com/auth/callback',
}
const DEVICE_CLIENT = 'lanonasis-mcp-cli'
/** Longer than accepted messages wait to be recorded. */
const BACKGROUND_MS = 250

type Cost = { statements: number; commits: number; events: string[]; afterwards: string[] }

/** The functions of the database that write. */
async function writers(): Promise<RegExp> {
  const rows = await gateway.sql<{ name: string }[]>`
    select proname as name from pg_proc where pronamespace = 'auth_gateway'::regnamespace and provolatile = 'v'`
  return new RegExp(`auth_gateway\\.(${rows.map(({ name }) => name).join('|')})\\(|^\\s*(insert|update|delete)\\b`)
}

const newestPosition = async () =>
  (await gateway.sql`select coalesce(max(position), 0)::text as position from auth_gateway.event_store`)[0]?.position

const eventsSince = async (position: string) =>
  (
    await gateway.sql<{ event_type: string }[]>`
      select event_type from auth_gateway.event_store where position > ${position}::bigint order by position`
  ).map(({ event_type }) => event_type)

test('docs/performance.md has the cost of each step of a flow (vitest run test/docs/flow-costs.test.ts -u)', async () => {
  const isWrite = await writers()
  const costs = new Map<string, Cost>()
  const step = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    await sleep(BACKGROUND_MS)
    const before = await newestPosition()
    gateway.takeStatements()
    const result = await run()
    const events = await eventsSince(before)
    await sleep(BACKGROUND_MS)
    const texts = gateway.takeStatementTexts()
    const afterwards = (await eventsSince(before)).slice(events.length)
    costs.set(name, {
      statements: texts.length,
      commits: texts.filter((text) => isWrite.test(text)).length,
      events,
      afterwards,
    })
    return result
  }
  const ok = <T extends { status: number; body: Record<string, string> }>(answer: T) => {
    if (answer.status >= 400) throw new Error(JSON.stringify(answer.body))
    return answer.body
  }
  const service = await addClient(gateway, 'cost-service', { grant_types: ['client_credentials'], redirect_uris: [] })
  const ada = await signIn(gateway)
  // The first token creates the signing keys.
  await getTokens(gateway, ada, { scope: 'openid' })
  const email = newEmail()
  const caller = { [IP_HEADER]: randomIp() }

  for (const person of ['a new person', 'a returning person']) {
    await openLimits(gateway)
    await step(`OTP send, ${person}`, async () => ok(await postJson(gateway, '/v1/auth/otp/send', { email }, caller)))
    const token = gateway.inbox.codeFor(email)
    await step(`OTP verify, ${person}`, async () =>
      ok(await postJson(gateway, '/v1/auth/otp/verify', { email, token }, caller)),
    )
  }

  const credentials = {
    grant_type: 'client_credentials',
    client_id: service.client_id,
    client_secret: service.client_secret,
  }
  await step('client_credentials', async () => ok(await post(gateway, '/oauth/token', credentials)))

  const verifier = newVerifier()
  const params = authorizeParams(verifier, { ...DASHBOARD, scope: 'memories:read' })
  const page = await step('authorize', () => ada.browser.visit(`/oauth/authorize?${new URLSearchParams(params)}`))
  const code = new URL(page.location ?? '').searchParams.get('code') ?? ''
  const grant = { grant_type: 'authorization_code', ...DASHBOARD, code, code_verifier: verifier }
  const tokens = await step('token (code, PKCE)', async () => ok(await post(gateway, '/oauth/token', grant)))
  const { client_id } = DASHBOARD
  const refresh = { grant_type: 'refresh_token', client_id, refresh_token: tokens.refresh_token ?? '' }
  await step('refresh', async () => ok(await post(gateway, '/oauth/token', refresh)))
  const other = new URLSearchParams(authorizeParams(newVerifier()))
  const consent = await step('authorize, asking for consent', () => ada.browser.visit(`/oauth/authorize?${other}`))
  await step('consent', () => ada.browser.submit(consent, { decision: 'allow' }, '/oauth/consent'))

  const device = await step('device start', async () =>
    ok(await post(gateway, '/oauth/device', { client_id: DEVICE_CLIENT })),
  )
  const poll = { grant_type: DEVICE_CODE, client_id: DEVICE_CLIENT, device_code: device.device_code ?? '' }
  await step('device poll, pending', () => post(gateway, '/oauth/token', poll))
  const shown = await step('device page', () => ada.browser.visit(`/oauth/device?code=${device.user_code}`))
  await step('device approval', () => ada.browser.submit(shown, { decision: 'approve' }, '/oauth/device/decision'))
  await step('device token', async () => ok(await post(gateway, '/oauth/token', poll)))

  const browser = createBrowser(gateway)
  const login = await browser.visit('/web/login')
  await openLimits(gateway)
  const codePage = await step('sign-in page, address', () => browser.submit(login, { email }, '/web/login'))
  await step('sign-in page, code, at a new place', () =>
    browser.submit(codePage, { code: gateway.inbox.codeFor(email) }, '/web/code'),
  )

  const names = (events: string[]) => events.map((type) => `\`${type}\``).join(', ')
  const table = [
    '| | statements | commits | events | after the response |',
    '|---|--:|--:|---|---|',
    ...[...costs].map(
      ([name, { statements, commits, events, afterwards }]) =>
        `| ${name} | ${statements} | ${commits} | ${events.length}: ${names(events)} | ${names(afterwards)} |`,
    ),
  ].join('\n')
  const file = 'docs/performance.md'
  await expect(withGenerated(readFileSync(file, 'utf8'), 'flows', table)).toMatchFileSnapshot(`../../${file}`)
})
