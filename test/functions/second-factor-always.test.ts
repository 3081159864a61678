import { expect, test } from 'vitest'
import { newEmail, useGateway } from '../support/gateway.ts'
import { codeOf, scan } from '../support/operators.ts'
import { openLimits } from '../support/rows.ts'
import { createBrowser, passSignIn, postJson } from '../support/sign-in.ts'

const PAGE = '/web/second-factor'
const gateway = useGateway({ env: { SECOND_FACTOR_POLICY: 'always' } })

test('a person without a factor sets one up while signing in, and is asked for it from then on in every browser', async () => {
  const browser = createBrowser(gateway)
  const email = newEmail('strict')
  const page = await passSignIn(gateway, browser, await browser.visit('/web/login?return_to=%2Faccount'), email)
  expect(page.url).toContain(PAGE)
  const app = scan(page)
  const wrong = await browser.submit(page, { code: '000000' }, PAGE)
  expect([wrong.status, scan(wrong).secret.base32]).toEqual([400, app.secret.base32])
  const done = await browser.submit(wrong, { code: codeOf(app, -1) }, PAGE)
  expect(done.url).toContain('/account')
  await openLimits(gateway)
  const other = createBrowser(gateway)
  const asked = await passSignIn(gateway, other, await other.visit('/web/login?return_to=%2Faccount'), email)
  expect([asked.url.includes(PAGE), asked.html.includes('Do not ask again')]).toEqual([true, false])
  expect((await other.submit(asked, { code: codeOf(app, 0) }, PAGE)).url).toContain('/account')
})

test('403 without a token for a program of a person without a factor: the page is where they set one up', async () => {
  const email = newEmail('strict')
  await postJson(gateway, '/v1/auth/otp/send', { email })
  const token = gateway.inbox.codeFor(email)
  const { status, body } = await postJson(gateway, '/v1/auth/otp/verify', { email, token, platform: 'cli' })
  const page = `${gateway.gateway.issuer}/web/login`
  expect([status, body.code, body.page, body.mfa_token]).toEqual([403, 'MFA_REQUIRED', page, undefined])
})
