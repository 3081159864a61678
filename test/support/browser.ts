import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Starts headless Chromium from `CHROMIUM_PATH`, or from where Debian installs it. The caller closes it.
 * @param options.local every host name leads to this machine
 */
export function launchBrowser(options: { local?: boolean } = {}): Promise<Browser> {
  const args = options.local ? [...flags, '--host-resolver-rules=MAP * 127.0.0.1'] : flags
  return chromium.launch({ executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium', args })
}

/**
 * Returns the accessibility violations of a page, as `rule: elements`, and the rules that it passes.
 * @param narrow limits the analysis, which takes a second with all rules
 */
export async function accessibilityOf(
  page: Page,
  narrow: (axe: AxeBuilder) => AxeBuilder = (axe) => axe,
): Promise<{ violations: string[]; passes: string[] }> {
  // Legacy mode analyses in the page itself. The other mode opens a second page each time, for frames, which no page here has.
  const { violations, passes } = await narrow(new AxeBuilder({ page }).setLegacyMode()).analyze()
  return {
    violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`),
    passes: passes.map(({ id }) => id),
  }
}

/**
 * Holds that a page is accessible and fits a phone and a desktop. `SCREENSHOTS` names a folder for pictures of it.
 * @param name names the pictures
 */
export async function checkPage(page: Page, name: string): Promise<void> {
  expect((await accessibilityOf(page)).violations).toEqual([])
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 860 })
    const needed = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(needed, `${name} at ${width}`).toBeLessThanOrEqual(width)
    const { SCREENSHOTS: folder } = process.env
    if (folder) await page.screenshot({ path: `${folder}/${name}-${width}.png`, fullPage: true })
  }
}
