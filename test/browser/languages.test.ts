import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inGivenLanguage } from '../../netlify/pages/copy.ts'
import { renderPage } from '../../netlify/pages/render.ts'
import { LANGUAGES, type Language } from '../../shared/http/language.ts'
import { accessibilityOf, launchBrowser } from '../support/browser.ts'
import { openDetails } from './gallery.ts'
import { states as pageStates } from './page-states.tsx'
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
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']

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

/** A tab in which every state is served under its name. */
async function pageIn(language: Language): Promise<Page> {
  const page = await browser.newPage({ reducedMotion: 'reduce' })
  await page.route(`${SITE}/*`, async (route) => {
    const body = await htmlOf(language, new URL(route.request().url()).pathname.slice(1))
    await route.fulfill({ contentType: 'text/html; charset=utf-8', body })
  })
  return page
}

type Axe = { run(on: Document, options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }

/** What is wrong with the text of a page. */
type Look = { violations: string[]; lang: string; isTooWide: boolean }

/**
 * Shows a page in the place of the one before, with all that is folded or left to scripts, and looks at it; runs in a page that has axe.
 * Loading each page with axe takes ten times as long.
 */
async function lookAt({ html, rules }: { html: string; rules: string[] }): Promise<Look> {
  const { documentElement: next } = new DOMParser().parseFromString(html, 'text/html')
  document.replaceChild(document.adoptNode(next), document.documentElement)
  for (const part of document.querySelectorAll<HTMLElement>('[hidden]')) part.hidden = false
  for (const details of document.querySelectorAll('details')) details.open = true
  const { axe } = window as unknown as { axe: Axe }
  const { violations } = await axe.run(document, { runOnly: rules })
  return {
    violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`),
    lang: next.lang,
    isTooWide: next.scrollWidth > window.innerWidth,
  }
}

const names = Object.keys(signInStates)
/** `pages.test.ts` analyses the others with all rules. */
const onlyHere = names.filter((name) => !(name in pageStates))

it('every page of a sign-in that has no other test has 0 accessibility violations, and no part beyond the edge at 375 and 1280 pixels', async () => {
  const page = await pageIn('en')
  const problems: unknown[] = []
  for (const name of onlyHere) {
    await page.goto(`${SITE}/${name}`)
    await page.evaluate(openDetails)
    const { violations } = await accessibilityOf(page, (axe) => axe.withTags(TAGS))
    for (const violation of violations) problems.push([name, violation])
    for (const width of [375, 1280]) {
      await page.setViewportSize({ width, height: 800 })
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)
      if (beyond) problems.push([name, `too wide at ${width}`])
    }
  }
  expect(problems).toEqual([])
  await page.context().close()
})

it.each(Object.keys(LANGUAGES) as Language[])(
  'every page of a sign-in in %s has its language, names and room at 375 pixels',
  async (language) => {
    const page = await pageIn(language)
    await page.setViewportSize({ width: 375, height: 800 })
    await page.goto(`${SITE}/${names[0]}`)
    // Brings axe into the page.
    await accessibilityOf(page, (axe) => axe.withRules(TEXT_RULES))
    const looks: [string, Look][] = []
    for (const name of names)
      looks.push([name, await page.evaluate(lookAt, { html: await htmlOf(language, name), rules: TEXT_RULES })])
    expect(looks).toEqual(names.map((name) => [name, { violations: [], lang: language, isTooWide: false }]))
    await page.context().close()
  },
)

it('the language switch of a page with a form posts that form', async () => {
  for (const name of Object.keys(signInStates)) {
    const html = await htmlOf('en', name)
    if (html.includes(' form="page"')) expect([name, html.includes('<form id="page"')]).toEqual([name, true])
  }
})
