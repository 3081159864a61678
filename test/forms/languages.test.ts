import { describe, expect, test } from 'vitest'
import { newEmail, useGateway } from '../support/gateway.ts'
import { authorizeParams, createBrowser, formsOf, newVerifier, type Page, signIn, textOf } from '../support/sign-in.ts'

const gateway = useGateway()
const languageOf = ({ html }: Page) => /<html lang="(\w+)">/.exec(html)?.[1]
const authorizeUrl = (changes: Record<string, string>) =>
  `/oauth/authorize?${new URLSearchParams(authorizeParams(newVerifier(), changes))}`

describe('the language of a sign-in', () => {
  test('ui_locales of the application, on every page until the consent', async () => {
    const browser = createBrowser(gateway)
    const email = newEmail()
    const signInPage = await browser.visit(authorizeUrl({ ui_locales: 'xx fr-CA de', prompt: 'consent' }))
    const codePage = await browser.submit(signInPage, { email }, '/web/login')
    const consentPage = await browser.submit(codePage, { code: gateway.inbox.codeFor(email) }, '/web/code')
    expect([signInPage, codePage, consentPage].map(languageOf)).toEqual(['fr', 'fr', 'fr'])
    expect(textOf(consentPage)).toContain('souhaite utiliser votre compte LanOnasis')
  })

  test('what a person chose is kept, with what was typed, and wins over the application', async () => {
    const browser = createBrowser(gateway)
    const signInPage = await browser.visit(authorizeUrl({ ui_locales: 'fr' }))
    const switched = await browser.submit(signInPage, { email: 'ada@', language: 'de' }, '/web/login')
    expect([languageOf(switched), formsOf(switched)[0]?.fields.email]).toEqual(['de', 'ada@'])
    expect(languageOf(await browser.visit(authorizeUrl({ ui_locales: 'es' })))).toBe('de')
  })

  test('a choice on the consent page shows it again and decides nothing', async () => {
    const { browser } = await signIn(gateway)
    const consentPage = await browser.visit(authorizeUrl({ prompt: 'consent' }))
    const switched = await browser.submit(consentPage, { language: 'pt' }, '/oauth/consent')
    expect([switched.status, languageOf(switched)]).toEqual([200, 'pt'])
    const denied = await browser.submit(switched, { decision: 'deny' }, '/oauth/consent')
    expect(new URL(denied.location ?? '').searchParams.get('error')).toBe('access_denied')
  })

  test('an error beside its field is in the language of the page', async () => {
    const browser = createBrowser(gateway)
    const page = await browser.submit(await browser.visit('/web/login?language=es'), { email: 'ada@' }, '/web/login')
    expect(textOf(page)).toContain('El correo electrónico no es válido.')
  })

  test('an error page is in the language of the request', async () => {
    const page = await createBrowser(gateway).visit('/oauth/authorize?client_id=none&ui_locales=de')
    expect([page.status, languageOf(page)]).toEqual([400, 'de'])
    expect(textOf(page)).toContain('Zur Anmeldung')
  })
})
