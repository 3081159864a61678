import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { complaintsOf, type Gallery, openGallery } from './gallery.ts'
import { hostile, states } from './page-states.tsx'

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
    const axe = new AxeBuilder({ page })
    const { violations, passes } = await (colorScheme === 'light'
      ? axe.withTags(rules)
      : axe.withRules(['color-contrast'])
    ).analyze()
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`)).toEqual([])
    expect(passes.map(({ id }) => id)).toContain('color-contrast')
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

it('no page scrolls sideways at 320 pixels, nor with text at twice its size', async () => {
  const page = await gallery.page({ viewport: { width: 320, height: 640 } })
  for (const name of names) {
    await page.setViewportSize({ width: 320, height: 640 })
    await page.goto(gallery.at(name))
    await page.evaluate(openDetails)
    expect(await widthOf(page), name).toBeLessThanOrEqual(320)
    await page.setViewportSize({ width: 640, height: 640 })
    await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'))
    expect(await widthOf(page), `${name} at 200%`).toBeLessThanOrEqual(640)
  }
  await page.context().close()
})

it.each(names.filter((name) => name.endsWith('-hostile')))('hostile input is shown, never run: %s', async (name) => {
  const page = await gallery.page()
  await page.goto(gallery.at(name))
  await page.evaluate(openDetails)
  const found = await page.evaluate(() => ({
    active: document.querySelectorAll('script, img, [onerror], base, iframe').length,
    links: [...document.querySelectorAll('a[href]')].map((link) => link.getAttribute('href')),
    fields: [...document.querySelectorAll<HTMLInputElement>('input[name=csrf]')].map((field) => field.value),
  }))
  expect(await page.title()).toContain('LanOnasis')
  expect(found.active).toBe(0)
  expect(found.links.filter((href) => !/^(https:\/\/|\/(?!\/))/.test(href ?? ''))).toEqual([])
  expect(found.fields.filter((value) => value !== hostile && value !== 'token')).toEqual([])
  await page.context().close()
})

function openDetails(): void {
  for (const details of document.querySelectorAll('details')) details.open = true
}

function widthOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth)
}
