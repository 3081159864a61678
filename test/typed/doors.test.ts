import { randomBytes } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findIdentity } from '../../scripts/lib/find-identity.ts'
import { addClient } from '../support/gateway.ts'
import { codeOf, scan, signInOperator } from '../support/operators.ts'
import { PASSWORD, usePasswordGateway } from '../support/passwords.ts'
import { openLimits } from '../support/rows.ts'
import {
  createBrowser,
  type Page,
  post,
  postJson,
  type SignedInBrowser,
  signIn,
  type TestBrowser,
} from '../support/sign-in.ts'

const SECRET = 'a secret of webhooks, of forty characters'
const gateway = usePasswordGateway({ SMS_COUNTRIES: 'CH,DE', SYNC_WEBHOOK_SECRET: SECRET })
let operator: SignedInBrowser
beforeAll(async () => {
  operator = await signInOperator(gateway)
})
beforeEach(() => openLimits(gateway))

const fullWidth = (text: string) => text.replace(/[!-~]/g, (one) => String.fromCharCode(one.charCodeAt(0) + 0xfee0))
const arabic = (digits: string) => digits.replace(/\d/g, (one) => String.fromCharCode(0x660 + Number(one)))

/** A mailbox under a domain with a letter of its own, and ways to write it. */
function newMailbox() {
  const local = `R&D.${randomBytes(4).toString('hex')}`
  const spellings = [
    `${local}@B\u00fccher.example`,
    `${local.toLowerCase()}@bu\u0308cher.EXAMPLE`,
    ` \u201c${local}@xn--bcher-kva.example.\u201d`,
    `mailto:${encodeURIComponent(local)}@b\u00fccher.example?subject=Hello`,
    `Kim <${local}@b\u00fc\u200bcher.example>\u00a0`,
    fullWidth(`${local}@XN--BCHER-KVA.example`),
    `${local.toUpperCase()} @ b\u00fccher . example`,
  ]
  return { address: `${local}@xn--bcher-kva.example`, spelling: (n: number) => spellings[n % spellings.length] ?? '' }
}
type Mailbox = ReturnType<typeof newMailbox>

/** A code, in ways to write it. */
const typed = (code: string) => [arabic(code), fullWidth(code), ` ${code.slice(0, 3)}\u2011${code.slice(3)}\u200b`]

const uaiOf = ({ cookies }: TestBrowser): string =>
  JSON.parse(decodeURIComponent(cookies.get('lanonasis_user') ?? '%7B%7D')).id

const asOperator = (path: string, body: object) =>
  postJson(gateway, path, body, { cookie: `lanonasis_session=${operator.browser.cookies.get('lanonasis_session')}` })

async function withoutMail(email: string, code: string) {
  const browser = createBrowser(gateway)
  await browser.submit(await browser.visit('/web/without-mail'), { email, code }, '/web/without-mail')
  return uaiOf(browser)
}

const userCode = async () =>
  (await post(gateway, '/oauth/device', { client_id: 'lanonasis-mcp-cli' })).body.user_code as string

/** Ways in that mail a code or link; each gives the UAI that it leads to. */
const byMail: Record<string, (spelled: string, box: Mailbox) => Promise<string>> = {
  'POST /v1/auth/otp': async (email, box) => {
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const [token] = typed(gateway.inbox.codeFor(box.address))
    return (await postJson(gateway, '/v1/auth/otp/verify', { email, token })).body.user.id
  },
  'POST /v1/auth/otp, with a number': async (email, box) => {
    await postJson(gateway, '/v1/auth/otp/send', { email })
    const token = Number(gateway.inbox.codeFor(box.address))
    return (await postJson(gateway, '/v1/auth/otp/verify', { email, token })).body.user.id
  },
  '/web/login and /web/code': async (email, box) => {
    const browser = createBrowser(gateway)
    const codePage = await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
    const [, code = ''] = typed(gateway.inbox.codeFor(box.address))
    await browser.submit(codePage, { code }, '/web/code')
    return uaiOf(browser)
  },
  'POST /oauth/device/authorize': async (email, box) => {
    const user_code = fullWidth((await userCode()).toLowerCase())
    await postJson(gateway, '/oauth/device/verify', { user_code, email })
    const [, , otp_code] = typed(gateway.inbox.codeFor(box.address))
    return (await postJson(gateway, '/oauth/device/authorize', { user_code, email, otp_code })).body.user.id
  },
  'POST /v1/auth/magic-link': async (email, box) => {
    await postJson(gateway, '/v1/auth/magic-link', { email })
    const browser = createBrowser(gateway)
    await browser.submit(await browser.visit(gateway.inbox.linkFor(box.address)), {})
    return uaiOf(browser)
  },
  'POST /v1/auth/otp/send for a link': async (email, box) => {
    await postJson(gateway, '/v1/auth/otp/send', { email, type: 'magiclink', platform: 'web' })
    const browser = createBrowser(gateway)
    await browser.submit(await browser.visit(gateway.inbox.linkFor(box.address)), {})
    return uaiOf(browser)
  },
}

/** Ways to look a person up, or to make them a code. */
const lookUps: Record<string, (spelled: string) => Promise<string>> = {
  'POST /v1/auth/operator-codes': async (email) => {
    const { body } = await asOperator('/v1/auth/operator-codes', { email, reason: 'mail is down' })
    return withoutMail(email, fullWidth(body.code.toLowerCase()))
  },
  '/operator/codes': async (email) => {
    const desk = await operator.browser.visit('/operator/codes')
    const page = await operator.browser.submit(desk, { email, reason: 'mail is down' }, '/operator/codes')
    const [code = ''] = /[A-Z2-9]{4}-[A-Z2-9]{4}/.exec(page.html) ?? []
    return withoutMail(email, ` ${code.replace('-', ' \u2014 ')}`)
  },
  '/admin/people': async (find) => {
    const page = await operator.browser.visit('/admin/people')
    return (await operator.browser.submit(page, { find }, '/admin/people')).url.split('/').at(-1) ?? ''
  },
  'npm run identities': async (who) => (await findIdentity(gateway.gateway, who))?.uai ?? '',
}

test('however an address and a code are written, every way in leads to the one person', async () => {
  const box = newMailbox()
  const found: [string, string][] = []
  let n = 0
  for (const [door, enter] of Object.entries({ ...byMail, ...lookUps })) {
    await openLimits(gateway)
    found.push([door, await enter(box.spelling(n++), box)])
  }
  const [[, uai] = ['', '']] = found
  expect(uai).toMatch(/^[0-9a-f-]{36}$/)
  expect(found).toEqual(Object.keys({ ...byMail, ...lookUps }).map((door) => [door, uai]))
}, 60_000)

test('the account keeps the address that the mail went to', async () => {
  const box = newMailbox()
  await postJson(gateway, '/v1/auth/otp/send', { email: box.spelling(0) })
  const { body } = await postJson(gateway, '/v1/auth/otp/verify', {
    email: box.spelling(6),
    token: gateway.inbox.codeFor(box.address),
  })
  expect(gateway.inbox.sent.findLast(({ code }) => code)?.to).toBe(box.address)
  expect(body.user.email).toBe(box.address)
})

describe('a password', () => {
  const doors: Record<string, (email: string) => Promise<string>> = {
    'POST /v1/auth/login': async (email) =>
      (await postJson(gateway, '/v1/auth/login', { email, password: PASSWORD })).body.user.id,
    'POST /auth/cli-login': async (email) =>
      (await postJson(gateway, '/auth/cli-login', { email, password: PASSWORD })).body.user.id,
    'POST /mcp/auth': async (email) =>
      (await postJson(gateway, '/mcp/auth', { email, password: PASSWORD })).body.user.id,
    '/web/password': async (email) => {
      const browser = createBrowser(gateway)
      await browser.submit(await browser.visit('/web/password'), { email, password: PASSWORD }, '/web/password')
      return uaiOf(browser)
    },
  }

  test('goes with the address in every spelling, at every door', async () => {
    const box = newMailbox()
    gateway.addUser(box.address)
    let n = 0
    const found: string[] = []
    for (const enter of Object.values(doors)) found.push(await enter(box.spelling(n++)))
    expect(found[0]).toMatch(/^[0-9a-f-]{36}$/)
    expect(found).toEqual(Array(Object.keys(doors).length).fill(found[0]))
  })
})

describe('a phone number', () => {
  test('is one person in every spelling, also as a number of JSON', async () => {
    const digits = `78${1_000_000 + Math.floor(Math.random() * 8_000_000)}`
    const spellings = [
      `+41${digits}`,
      Number(`41${digits}`),
      `tel:+41-${digits}`,
      arabic(`0${digits}`),
      `+41 (0)${digits}`,
    ]
    const found: string[] = []
    for (const phone of spellings) {
      await openLimits(gateway)
      expect((await postJson(gateway, '/v1/auth/otp/send', { phone })).status).toBe(200)
      const [token] = typed(gateway.inbox.codeFor(`+41${digits}`))
      found.push((await postJson(gateway, '/v1/auth/otp/verify', { phone, token })).body.user.id)
    }
    expect(found).toEqual(Array(spellings.length).fill(found[0]))
    const browser = createBrowser(gateway)
    await openLimits(gateway)
    const codePage = await browser.submit(
      await browser.visit('/web/login?by=phone'),
      { phone: fullWidth(`+41${digits}`) },
      '/web/login',
    )
    await browser.submit(codePage, { code: gateway.inbox.codeFor(`+41${digits}`) }, '/web/code')
    expect(uaiOf(browser)).toBe(found[0])
    expect((await findIdentity(gateway.gateway, `+41 ${digits}`))?.uai).toBe(found[0])
  })
})

describe('an address that another program sends is accepted exactly, or refused', () => {
  const stated = [
    ' ada@example.com',
    'Ada <ada@example.com>',
    'a\u200bda@example.com',
    'ada@localhost',
    'a b@example.com',
  ]

  test.each(stated)('400 from Supabase: %j', async (email) => {
    const user = { id: crypto.randomUUID(), email, email_confirmed_at: '2026-01-01T00:00:00Z' }
    const { status, body } = await postJson(gateway, '/v1/sync/user', user, { 'x-webhook-secret': SECRET })
    expect([status, body.code]).toEqual([400, 'INVALID_REQUEST'])
  })

  test.each(stated)('400 from a service: %j', async (email) => {
    const scope = 'identities:link'
    const clientId = `crm-${randomBytes(4).toString('hex')}`
    const grants = { grant_types: ['client_credentials'], redirect_uris: [], scope, default_scope: scope }
    const { client_secret } = await addClient(gateway, clientId, grants)
    const authorization = `Basic ${Buffer.from(`${clientId}:${encodeURIComponent(client_secret)}`).toString('base64')}`
    const fields = { grant_type: 'client_credentials', scope, resource: gateway.url }
    const token = (await post(gateway, '/oauth/token', fields, { authorization })).body.access_token
    const mapping = { provider: 'stripe', external_id: clientId, email }
    const asked = await postJson(gateway, '/v1/auth/identities', mapping, { authorization: `Bearer ${token}` })
    expect([asked.status, asked.body.code]).toEqual([400, 'INVALID_EMAIL'])
  })
})

describe('what no mail can be sent to is 400 at every door, and nothing is sent', () => {
  const wrong = [
    `${'a'.repeat(65)}@example.com`,
    `ada@${'b'.repeat(64)}.example`,
    'ada@localhost',
    'john smith@example.com',
  ]
  const doors: Record<string, (email: string) => Promise<{ status: number; body: { code?: string; error?: string } }>> =
    {
      '/v1/auth/otp/send': (email) => postJson(gateway, '/v1/auth/otp/send', { email }),
      '/v1/auth/otp/verify': (email) => postJson(gateway, '/v1/auth/otp/verify', { email, token: '123456' }),
      '/v1/auth/magic-link': (email) => postJson(gateway, '/v1/auth/magic-link', { email }),
      '/v1/auth/login': (email) => postJson(gateway, '/v1/auth/login', { email, password: PASSWORD }),
      '/v1/auth/register': (email) => postJson(gateway, '/v1/auth/register', { email, password: PASSWORD }),
      '/auth/cli-register': (email) => postJson(gateway, '/auth/cli-register', { email, password: PASSWORD }),
      '/v1/auth/operator-codes': (email) => asOperator('/v1/auth/operator-codes', { email, reason: 'mail is down' }),
    }

  test.each(Object.keys(doors))('%s', async (door) => {
    const before = gateway.inbox.attempts
    for (const email of wrong) {
      const { status, body } = (await doors[door]?.(email)) ?? {}
      expect([email, status, body?.code]).toEqual([email, 400, 'INVALID_EMAIL'])
    }
    expect(gateway.inbox.attempts).toBe(before)
  })

  test('/oauth/device/verify, in the words of OAuth', async () => {
    const { status, body } = await postJson(gateway, '/oauth/device/verify', {
      user_code: await userCode(),
      email: wrong[0],
    })
    expect([status, body.error_description]).toEqual([400, 'The e-mail address is not valid.'])
  })

  test.each(['/web/login', '/web/without-mail', '/web/password', '/web/signup', '/web/forgot-password'])(
    '%s says so beside its field',
    async (path) => {
      const browser = createBrowser(gateway)
      const fields = { email: wrong[0] ?? '', code: '123456', password: PASSWORD }
      const page = await browser.submit(await browser.visit(path), fields, path)
      expect([page.status, page.html.includes('The e-mail address is not valid.')]).toEqual([400, true])
    },
  )
})

describe('what cannot be a code is asked for again, and counts nowhere', () => {
  const nonsense = ['12345', '1234567', 'abcdef', '12 34', '\u0661\u0662\u0663', 'x'.repeat(2000)]

  /** What wrong codes leave behind: events, and hits of the limits on guesses. */
  const counted = async () => {
    const [row] = await gateway.sql`
      select
        (select count(*)::int from auth_gateway.event_store where event_type in
          ('OtpAttemptFailed', 'TotpCodeRefused', 'RecoveryCodeRefused', 'OperatorCodeRefused')) as events,
        (select coalesce(sum(count), 0)::int from auth_gateway.rate_limits
          where expires_at > now() and bucket ~ '^(otp-try|proof-|recovery-try|user-code)') as hits`
    return row
  }

  async function refused(give: (code: string) => Promise<number>) {
    const before = await counted()
    for (const code of nonsense) expect([code, await give(code)]).toEqual([code, 400])
    expect(await counted()).toEqual(before)
  }
  const page = (give: (code: string) => Promise<Page>) => async (code: string) => {
    const { status, html } = await give(code)
    expect([code, html.includes('This is not a complete code.')]).toEqual([code, true])
    return status
  }

  test('POST /v1/auth/otp/verify', async () => {
    const { address: email } = newMailbox()
    await postJson(gateway, '/v1/auth/otp/send', { email })
    await refused(async (token) => {
      const { status, body } = await postJson(gateway, '/v1/auth/otp/verify', { email, token })
      expect(body.code).toBe('OTP_MALFORMED')
      return status
    })
    const token = gateway.inbox.codeFor(email)
    expect((await postJson(gateway, '/v1/auth/otp/verify', { email, token })).status).toBe(200)
  })

  test('POST /oauth/device/authorize, for both of its codes', async () => {
    const { address: email } = newMailbox()
    const user_code = await userCode()
    await postJson(gateway, '/oauth/device/verify', { user_code, email })
    const otp_code = gateway.inbox.codeFor(email)
    const authorize = async (body: object) => (await postJson(gateway, '/oauth/device/authorize', body)).status
    await refused((code) => authorize({ user_code, email, otp_code: code }))
    await refused((code) => authorize({ user_code: code, email, otp_code }))
    expect(await authorize({ user_code, email, otp_code })).toBe(200)
  })

  test('/oauth/device', async () => {
    const person = await signIn(gateway)
    await refused(page((code) => person.browser.visit(`/oauth/device?${new URLSearchParams({ code })}`)))
  })

  test('/web/code', async () => {
    const { address: email } = newMailbox()
    const browser = createBrowser(gateway)
    let codePage = await browser.submit(await browser.visit('/web/login'), { email }, '/web/login')
    const give = async (code: string) => {
      codePage = await browser.submit(codePage, { code }, '/web/code')
      return codePage
    }
    await refused(page(give))
    await give(gateway.inbox.codeFor(email))
    expect(uaiOf(browser)).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('/account/email', async () => {
    const person = await signIn(gateway)
    const { address: email } = newMailbox()
    const form = await person.browser.visit('/account/email')
    let prove = await person.browser.submit(form, { email }, '/account/email')
    const give = async (code: string) => {
      prove = await person.browser.submit(prove, { code }, '/account/email/code')
      return prove
    }
    await refused(page(give))
    expect((await give(` ${fullWidth(gateway.inbox.codeFor(email))}`)).url).toContain('done=added')
  })

  test('/account/totp, /web/step-up, /web/recovery and /web/without-mail', async () => {
    const person = await signIn(gateway)
    const { browser } = person
    let enrolment = await browser.visit('/account/totp')
    const app = scan(enrolment)
    const enrol = async (code: string) => {
      enrolment = await browser.submit(enrolment, { code }, '/account/totp')
      return enrolment
    }
    await refused(page(enrol))
    await enrol(arabic(codeOf(app, -1)))
    const stepUp = await browser.visit('/web/step-up')
    await refused(page((code) => browser.submit(stepUp, { code }, '/web/step-up')))
    const recovery = await browser.visit('/web/recovery')
    await refused(page((code) => browser.submit(recovery, { code }, '/web/recovery')))
    const shown = await browser.submit(await browser.visit('/account/recovery-codes'), {}, '/recovery-codes')
    const [, code = ''] = /<li>([-A-Z2-9]{14})<\/li>/.exec(shown.html) ?? []
    const elsewhere = createBrowser(gateway)
    const form = await elsewhere.visit('/web/without-mail')
    const give = (given: string) => elsewhere.submit(form, { email: person.email, code: given }, '/web/without-mail')
    await refused(page(give))
    await give(fullWidth(code.toLowerCase()))
    expect(uaiOf(elsewhere)).toBe(person.uai)
    expect((await browser.submit(stepUp, { code: arabic(codeOf(app, 0)) }, '/web/step-up')).url).toContain('/account')
  })
})
