import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityOf } from '../support/browser.ts'
import { complaintsOf, type Gallery, openDetails, openGallery } from './gallery.ts'
import { states } from './page-states.tsx'

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const names = Object.keys(states)
let gallery: Gallery

beforeAll(async () => {
  gallery = await openGallery()
}, 30_000)
afterAll(() => gallery?.close())

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  let page: Page
  let complaints: string[]

  beforeAll(async () => {
    page = await gallery.page({ colorScheme, viewport: { width: 1280, height: 860 } })
    complaints = complaintsOf(page)
  })
  afterAll(() => page.context().close())

  it.each(names)('0 accessibility violations, 0 console messages: %s', async (name) => {
    complaints.length = 0
    await page.goto(gallery.at(name))
    await page.evaluate(openDetails)
    // Only colors differ between the two schemes, and a whole analysis takes a second.
    const { violations, passes } = await accessibilityOf(page, (axe) =>
      colorScheme === 'light' ? axe.withTags(rules) : axe.withRules(['color-contrast']),
    )
    expect(violations).toEqual([])
    expect(passes).toContain('color-contrast')
    expect(complaints).toEqual([])
  })

  it('the stylesheet is in force and follows the color scheme', async () => {
    await page.goto(gallery.at('sign-in'))
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    expect(ground).toBe(colorScheme === 'light' ? 'rgb(242, 245, 244)' : 'rgb(13, 19, 18)')
  })
})

it('nothing moves for people who asked for less motion', async () => {
  const page = await gallery.page({ reducedMotion: 'reduce' })
  await page.goto(gallery.at('consent'))
  const durations = await page.evaluate(() =>
    [...document.querySelectorAll('*')].map((element) => getComputedStyle(element).transitionDuration),
  )
  expect(new Set(durations)).toEqual(new Set(['0s']))
  await page.context().close()
})
