import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { SentLink } from '../../scripts/supabase-auth/app.ts'
import { addClient, IP_HEADER, newEmail, randomIp } from '../support/gateway.ts'
import { codeOf, enrolTotp, scan, signInOperator } from '../support/operators.ts'
import { PASSWORD, usePasswordGateway } from '../support/passwords.ts'
import { ageForms, ageStepUp, openLimits } from '../support/rows.ts'
import {
  createBrowser,
  getTokens,
  type Page,
  passSignIn,
  post,
  postJson,
  type SignedInBrowser,
  signIn,
  type Tab,
} from '../support/sign-in.ts'
import { type Application, newApplication, requestOf } from '../support/tab-sign-in.ts'

let application: Application
let operator: SignedInBrowser
const links: SentLink[] = []

const gateway = usePasswordGateway({ SMS_COUNTRIES: 'CH' }, (link) => void links.push(link))
beforeAll(async () => {
  application = await newApplication(gateway, 'alpha')
  operator = await signInOperator(gateway)
})

/** A page with a button, and what a person fills in before it. */
type Button = { tab: Tab; page: Page; fields?: Record<string, string> }

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const at = async ({ browser }: SignedInBrowser, path: string): Promise<Button> => ({
  tab: browser,
  page: await browser.visit(path),
})
const filled = async (button: Promise<Button>, fields: Record<string, string>): Promise<Button> => ({
  ...(await button),
  fields,
})

async function codePage(): Promise<Button & { email: string }> {
  const [tab, email] = [createBrowser(gateway), newEmail()]
  const page = await tab.submit(await tab.visit('/web/login'), { email }, '/web/login')
  return { tab, page, email, fields: { code: gateway.inbox.codeFor(email) } }
}

async function withApp() {
  const ada = await signIn(gateway)
  return { ...ada, app: await enrolTotp(ada) }
}

async function startDevice(): Promise<string> {
  const asked = { client_id: 'lanonasis-mcp-cli', scope: 'memories:read' }
  const { body } = await post(gateway, '/oauth/device', asked, { [IP_HEADER]: randomIp() })
  return body.user_code
}

const devicePage = async (ada: SignedInBrowser) =>
  filled(at(ada, `/oauth/device?code=${await startDevice()}`), { decision: 'approve' })

async function deviceNotice(): Promise<Button> {
  const ada = await signIn(gateway)
  const { tab, page, fields = {} } = await devicePage(ada)
  await tab.submit(page, fields, '/oauth/device/decision')
  const link = await vi.waitFor(() => {
    const sent = gateway.inbox.sent.find(({ to, body }) => to === ada.email && body.kind === 'device_connected')
    return String(sent?.body.manage_url ?? expect.fail('no notice'))
  })
  const browser = createBrowser(gateway)
  return { tab: browser, page: await browser.visit(link) }
}

async function addressCodePage(kind: 'email' | 'phone', ada: SignedInBrowser): Promise<Button & { value: string }> {
  const value = kind === 'email' ? newEmail() : `+4179${Math.floor(1_000_000 + Math.random() * 8_999_999)}`
  const { tab, page } = await at(ada, `/account/${kind}`)
  const proof = await tab.submit(page, { [kind]: value }, `/account/${kind}`)
  return { tab, page: proof, value, fields: { code: gateway.inbox.codeFor(value) } }
}

async function withSecondAddress(owner = newEmail()): Promise<SignedInBrowser> {
  const ada = await signIn(gateway, owner)
  const { tab, page, fields = {} } = await addressCodePage('phone', ada)
  await tab.submit(page, fields, '/account/phone/code')
  return ada
}

async function merged(): Promise<Button> {
  const [ada, other] = [await signIn(gateway), await signIn(gateway)]
  await openLimits(gateway)
  const { tab, page } = await at(ada, '/account/email')
  const proof = await tab.submit(page, { email: other.email }, '/account/email')
  await tab.submit(proof, { code: gateway.inbox.codeFor(other.email) }, '/account/email/code')
  return at(ada, '/account')
}

async function keyPage(path: 'rotate' | 'revoke'): Promise<Button> {
  const ada = await signIn(gateway)
  const { tab, page } = await filled(at(ada, '/account/api-keys/new'), {})
  await tab.submit(page, { name: 'laptop' }, '/account/api-keys')
  const [row] = await gateway.sql`select id from auth_gateway.api_keys where created_by = ${ada.uai}`
  return at(ada, `/account/api-keys/${row?.id}/${path}`)
}

async function agentForm(ada: SignedInBrowser): Promise<Button> {
  const { client_id } = await addClient(gateway, `agent-${crypto.randomUUID()}`, {
    grant_types: [EXCHANGE],
    redirect_uris: [],
    scope: 'memories:read',
  })
  return filled(at(ada, '/account/agents/new'), { client_id, scope: 'memories:read', days: '7' })
}

async function mailLink(ask: (tab: Tab, email: string) => Promise<unknown>, path: string): Promise<Button> {
  const [tab, email] = [createBrowser(gateway), newEmail('mail')]
  await ask(tab, email)
  const token = links.findLast((one) => one.to === email)?.tokenHash
  return { tab, page: await tab.visit(`${path}?token_hash=${token}`) }
}

/** Every button of our pages that posts. */
const BUTTONS: Record<string, () => Promise<Button>> = {
  '/web/login': async () => {
    const tab = createBrowser(gateway)
    return { tab, page: await tab.visit('/web/login'), fields: { email: newEmail() } }
  },
  '/web/code': codePage,
  '/web/code/resend': async () => {
    const { tab, page } = await codePage()
    await openLimits(gateway)
    return { tab, page }
  },
  '/web/logout': async () => at(await signIn(gateway), '/web/login'),
  '/web/without-mail': async () => {
    const { email, app } = await withApp()
    const tab = createBrowser(gateway)
    return { tab, page: await tab.visit('/web/without-mail'), fields: { email, code: codeOf(app, 0) } }
  },
  '/web/step-up': async () => {
    const ada = await withApp()
    await ageStepUp(gateway, ada.uai, 3600)
    return filled(at(ada, '/web/step-up'), { code: codeOf(ada.app, 0) })
  },
  '/web/second-factor': async () => {
    const ada = await withApp()
    await openLimits(gateway)
    const tab = createBrowser(gateway)
    const page = await passSignIn(gateway, tab, await tab.visit('/web/login?return_to=%2Faccount'), ada.email)
    return { tab, page, fields: { code: codeOf(ada.app, 0) } }
  },
  '/web/not-me': async () => {
    const { browser, email } = await signIn(gateway)
    await browser.visit('/account', { headers: { [IP_HEADER]: '203.0.113.7' } })
    const link = await vi.waitFor(() => {
      const sent = gateway.inbox.sent.find(({ to, body }) => to === email && body.kind === 'new_sign_in')
      return new URL(String(sent?.body.manage_url))
    })
    const tab = createBrowser(gateway)
    return { tab, page: await tab.visit(link.pathname + link.search) }
  },
  '/account/devices/forget': async () => {
    const ada = await withApp()
    await openLimits(gateway)
    const tab = createBrowser(gateway)
    const asked = await passSignIn(gateway, tab, await tab.visit('/web/login?return_to=%2Faccount'), ada.email)
    await tab.submit(asked, { code: codeOf(ada.app, 0), remember: '1' }, '/web/second-factor')
    return { tab, page: await tab.visit('/account/devices') }
  },
  '/web/recovery': async () => {
    const ada = await withApp()
    const { tab, page } = await at(ada, '/account/recovery-codes')
    const shown = await tab.submit(page, {}, '/account/recovery-codes')
    const [, code = ''] = /<li>([-A-Z2-9]{14})<\/li>/.exec(shown.html) ?? []
    return filled(at(ada, '/web/recovery'), { code })
  },
  '/web/password': async () => {
    const tab = createBrowser(gateway)
    return { tab, page: await tab.visit('/web/password'), fields: { email: gateway.addUser(), password: PASSWORD } }
  },
  '/web/signup': async () => {
    const tab = createBrowser(gateway)
    return { tab, page: await tab.visit('/web/signup'), fields: { email: newEmail(), password: PASSWORD, name: 'Ada' } }
  },
  '/web/forgot-password': async () => {
    const tab = createBrowser(gateway)
    return { tab, page: await tab.visit('/web/forgot-password'), fields: { email: gateway.addUser() } }
  },
  '/web/reset-password': async () =>
    filled(
      mailLink(async (tab, email) => {
        gateway.addUser(email)
        await tab.submit(await tab.visit('/web/forgot-password'), { email }, '/web/forgot-password')
      }, '/web/reset-password'),
      { password: 'a new and better one' },
    ),
  '/web/confirm': () =>
    mailLink(async (tab, email) => {
      await tab.submit(await tab.visit('/web/signup'), { email, password: PASSWORD }, '/web/signup')
    }, '/web/confirm'),
  '/oauth/consent': async () => filled(at(await signIn(gateway), requestOf(application)), { decision: 'allow' }),
  '/oauth/logout': async () => at(await signIn(gateway), '/oauth/logout'),
  '/oauth/device/decision': async () => devicePage(await signIn(gateway)),
  '/oauth/device/revoke': deviceNotice,
  '/v1/auth/magic-link/callback': async () => {
    const [tab, email] = [createBrowser(gateway), newEmail()]
    await postJson(gateway, '/v1/auth/magic-link', { email, redirect_uri: '/account' })
    return { tab, page: await tab.visit(gateway.inbox.linkFor(email)) }
  },
  '/operator/codes': async () => {
    const ada = await signIn(gateway)
    return filled(at(operator, '/operator/codes'), { email: ada.email, reason: 'lost their mail' })
  },
  '/operator/codes/approve': async () => {
    const [second, third] = [await signInOperator(gateway), await signInOperator(gateway)]
    const asked = await at(second, '/operator/codes')
    await asked.tab.submit(asked.page, { email: third.email, reason: 'lost their mail' }, '/operator/codes')
    return filled(at(operator, '/operator/codes'), { reason: 'I know them' })
  },
  '/operator/codes/revoke': async () => {
    const [second, ada] = [await signInOperator(gateway), await signIn(gateway)]
    const asked = await at(second, '/operator/codes')
    await asked.tab.submit(asked.page, { email: ada.email, reason: 'lost their mail' }, '/operator/codes')
    return at(second, '/operator/codes')
  },
  '/auth/cli-login/token': async () => at(await signIn(gateway), '/auth/cli-login'),
  '/test-client': async () => filled(at(await signIn(gateway), '/test-client'), { scope: 'openid' }),
  '/auth-tester': async () => {
    const { browser } = await signIn(gateway)
    const asked = await browser.submit(await browser.visit('/test-client'), { scope: 'openid' }, '/test-client')
    return { tab: browser, page: await browser.submit(asked, { decision: 'allow' }, '/oauth/consent') }
  },
  '/account/profile': async () => filled(at(await signIn(gateway), '/account'), { name: 'Ada', locale: 'fr' }),
  '/account/erase': async () => filled(at(await signIn(gateway), '/account/erase'), { word: 'delete' }),
  '/account/sign-in-methods/remove': async () => at(await withSecondAddress(), '/account/sign-in'),
  '/account/sessions/end': async () => {
    const ada = await signIn(gateway)
    await openLimits(gateway)
    await signIn(gateway, ada.email)
    return at(ada, '/account/devices')
  },
  '/account/totp': async () => {
    const button = await at(await signIn(gateway), '/account/totp')
    return { ...button, fields: { code: codeOf(scan(button.page), 0) } }
  },
  '/account/totp/remove': async () => at(await withApp(), '/account/sign-in'),
  '/account/recovery-codes': async () => at(await withApp(), '/account/recovery-codes'),
  '/account/email': async () => filled(at(await signIn(gateway), '/account/email'), { email: newEmail() }),
  '/account/email/code': async () => addressCodePage('email', await signIn(gateway)),
  '/account/phone': async () => filled(at(await signIn(gateway), '/account/phone'), { phone: '+41791112233' }),
  '/account/phone/code': async () => addressCodePage('phone', await signIn(gateway)),
  '/account/split': merged,
  '/account/agents': async () => agentForm(await signIn(gateway)),
  '/account/agents/cut-off': async () => {
    const ada = await signIn(gateway)
    const { tab, page, fields = {} } = await agentForm(ada)
    await tab.submit(page, fields, '/account/agents')
    return at(ada, '/account/agents')
  },
  '/account/api-keys': async () => filled(at(await signIn(gateway), '/account/api-keys/new'), { name: 'laptop' }),
  '/account/api-keys/{id}/rotate': () => keyPage('rotate'),
  '/account/api-keys/{id}/{decision}': () => keyPage('revoke'),
  '/admin/people': async () => filled(at(operator, '/admin/people'), { find: operator.email }),
  '/admin/act': async () => {
    const ada = await signIn(gateway)
    await getTokens(gateway, ada)
    return filled(at(operator, `/admin/people/${ada.uai}`), { reason: 'a test of buttons' })
  },
}

/**
 * Posts of others: an application's request, and the messages of other providers. Passkeys need a browser with an authenticator
 * (`test/browser/passkeys.test.ts`).
 */
const NO_BUTTONS = /^\/oauth\/authorize$|^\/v1\/auth\/(oauth|saml)\/|\/passkeys?\b/

test('each page route that takes a form is among them', () => {
  const { paths } = JSON.parse(readFileSync('netlify/openapi/openapi.json', 'utf8'))
  const posts = Object.entries<Record<string, { responses: Record<string, { content?: object }> }>>(paths)
    .filter(([path, { post: one }]) => one?.responses['200']?.content?.['text/html' as never] && !NO_BUTTONS.test(path))
    .map(([path]) => path)
  expect(Object.keys(BUTTONS).toSorted()).toEqual(posts.toSorted())
})

/** Everything that was ever done, but for what runs after answers, and requests that an answer leads to. */
async function deeds(): Promise<number> {
  const [row] = await gateway.sql`select count(*)::int as count from auth_gateway.event_store
    where event_type <> 'AuthorizationRequested' and stream_type <> 'message'`
  return row?.count
}

describe('on a slow line', () => {
  test.each(Object.entries(BUTTONS))(
    'two presses of %s, and a third, do it once and get one answer',
    async (path, reach) => {
      await openLimits(gateway)
      const { tab, page, fields = {} } = await reach()
      await openLimits(gateway)
      const action = path.replace('{id}', '[^/]+').replace('{decision}', '[^/]+')
      const before = await deeds()
      const pressed = await tab.press(2, page, fields, new RegExp(`^${action}$`))
      const after = await deeds()
      expect([pressed.status < 400, new Set(pressed.answers).size]).toEqual([true, 1])
      if (!/people|test-client|forgot|signup|logout/.test(path)) expect(after).toBeGreaterThan(before)
      const again = await tab.press(1, page, fields, new RegExp(`^${action}$`))
      expect([again.answers[0], await deeds()]).toEqual([pressed.answers[0], after])
      // Minutes later, from a page in the back/forward cache: a new attempt, whose answer leads on, whatever it says.
      await ageForms(gateway, 2 * 60)
      const late = await tab.press(1, page, fields, new RegExp(`^${action}$`))
      const leadsOn = late.status < 400 || (late.status < 500 && /<(a|form)[ >]/.test(late.html))
      expect(leadsOn, `${late.status} ${late.html}`).toBe(true)
    },
  )
})
