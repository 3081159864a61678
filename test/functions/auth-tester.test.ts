import { describe, expect, test } from 'vitest'
import { newEmail, useGateway } from '../support/gateway.ts'
import { createBrowser, passSignIn, signIn } from '../support/sign-in.ts'

const gateway = useGateway()

describe('the client to try the gateway with', () => {
  test('200: asks for authorization, is called back, exchanges the code once and shows what it got', async () => {
    const browser = createBrowser(gateway)
    const email = newEmail()
    const start = await browser.visit('/test-client')
    const signInPage = await browser.submit(start, { scope: 'openid email' }, '/test-client')
    let page = await passSignIn(gateway, browser, signInPage, email)
    page = await browser.submit(page, { decision: 'allow' }, '/oauth/consent')
    expect(page.url).toContain('/auth-tester?code=')
    const tokens = await browser.submit(page, {}, '/auth-tester')
    expect(tokens.html).toContain('&quot;refresh_token&quot;')
    expect(tokens.html).toContain(`&quot;email&quot;: &quot;${email}&quot;`)
    expect((await browser.submit(page, {}, '/auth-tester')).html).toBe(tokens.html)
  })

  test('200 with the code and no way to exchange it for a browser that did not begin', async () => {
    const { browser } = await signIn(gateway)
    const page = await browser.visit('/auth-tester?code=abc&state=x')
    expect(page.html).toContain('value="abc"')
    expect(page.html).not.toContain('<form')
  })

  test('400 with the words of a refusal', async () => {
    const query = new URLSearchParams({ error: 'access_denied', error_description: '<b>no</b>' })
    const page = await createBrowser(gateway).visit(`/auth-tester?${query}`)
    expect(page.status).toBe(400)
    expect(page.html).toContain('&lt;b&gt;no&lt;/b&gt;')
  })

  test('404 in production', async () => {
    const { gateway: wired } = await import('../../shared/gateway.ts')
    const production = { ...wired().config, mode: 'production' as const }
    const usual = wired().config
    wired().config = production
    expect((await createBrowser(gateway).visit('/test-client')).status).toBe(404)
    expect((await createBrowser(gateway).visit('/auth-tester?code=a')).status).toBe(404)
    wired().config = usual
  })
})
