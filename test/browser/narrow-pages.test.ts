import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Gallery, openDetails, openGallery } from './gallery.ts'
import { hostile, states } from './page-states.tsx'

const names = Object.keys(states)
let gallery: Gallery
let page: Page

beforeAll(async () => {
  gallery = await openGallery()
  page = await gallery.page()
})
afterAll(() => gallery?.close())

const widthOf = () => page.evaluate(() => document.documentElement.scrollWidth)

it.each(names)('does not scroll sideways at 320 pixels, nor with text at twice its size: %s', async (name) => {
  await page.setViewportSize({ width: 320, height: 640 })
  await page.goto(gallery.at(name))
  await page.evaluate(openDetails)
  expect(await widthOf()).toBeLessThanOrEqual(320)
  await page.setViewportSize({ width: 640, height: 640 })
  await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'))
  expect(await widthOf()).toBeLessThanOrEqual(640)
})

it.each(names.filter((name) => name.endsWith('-hostile')))('hostile input is shown, never run: %s', async (name) => {
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
})
