import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inGivenLanguage } from '../../netlify/pages/copy.ts'
import { renderPage } from '../../netlify/pages/render.ts'
import { LANGUAGES, type Language } from '../../shared/http/language.ts'
import { accessibilityOf, launchBrowser } from '../support/browser.ts'
import { openDetails } from './gallery.ts'
import { signInStates } from './sign-in-states.tsx'

const SITE = 'http://auth.test'
/** Rules that texts can break; colours and structure are the same in every language, and are checked in English. */
const TEXT_RULES = [
  'html-has-lang',
  'html-lang-valid',
  'valid-lang',
  'document-title',
  'label',
  'button-name',
  'link-name',
]
const WIDTHS = [375, 1280]

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
}, 30_000)
afterAll(() => browser?.close())

const htmlOf = (language: Language, name: string) =>
  inGivenLanguage(language, { method: 'GET', url: `${SITE}/${name}` }, async () => {
    const state = signInStates[name]
    return state ? renderPage(state()).text() : ''
  })

describe.each(Object.keys(LANGUAGES) as Language[])('every page of a sign-in in %s', (language) => {
  let page: Page

  beforeAll(async () => {
    page = await browser.newPage({ reducedMotion: 'reduce' })
    await page.route(`${SITE}/*`, async (route) => {
      const body = await htmlOf(language, new URL(route.request().url()).pathname.slice(1))
      await route.fulfill({ contentType: 'text/html; charset=utf-8', body })
    })
  })
  afterAll(() => page.context().close())

  it('has 0 accessibility violations, the language, and no part beyond the edge at 375 and 1280 pixels', async () => {
    const problems: unknown[] = []
    for (const name of Object.keys(signInStates)) {
      await page.goto(`${SITE}/${name}`)
      await page.evaluate(openDetails)
      const { violations } = await accessibilityOf(page, (axe) =>
        language === 'en' ? axe.withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']) : axe.withRules(TEXT_RULES),
      )
      for (const violation of violations) problems.push([name, violation])
      for (const width of language === 'en' ? WIDTHS : WIDTHS.slice(0, 1)) {
        await page.setViewportSize({ width, height: 800 })
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)
        if (beyond) problems.push([name, `too wide at ${width}`])
      }
      const lang = await page.evaluate(() => document.documentElement.lang)
      if (lang !== language) problems.push([name, lang])
    }
    expect(problems).toEqual([])
  })
})

it('the language switch of a page with a form posts that form', async () => {
  for (const name of Object.keys(signInStates)) {
    const html = await htmlOf('en', name)
    if (html.includes(' form="page"')) expect([name, html.includes('<form id="page"')]).toEqual([name, true])
  }
})
