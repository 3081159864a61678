import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { newEmail, useGateway } from '../support/gateway.ts'
import { createBrowser } from '../support/sign-in.ts'

const gateway = useGateway({ env: { BRAND_NAME: 'v-secure', BRAND_COLOURS: '#1a2b3c,#9fc4ff' } })

test('pages and messages show the name and colours of the deployment, under a policy that allows their style', async () => {
  const browser = createBrowser(gateway)
  const email = newEmail()
  const page = await browser.visit('/web/login')
  const style = /<style>(.*?)<\/style>/s.exec(page.html)?.[1] ?? ''
  expect(style).toContain(':root{--brand:#1a2b3c;')
  const hash = createHash('sha256').update(style).digest('base64')
  expect(page.headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}'`)
  expect(/<title>(.*?)<\/title>/.exec(page.html)?.[1]).toBe('Sign in · v-secure')
  const codePage = await browser.submit(page, { email }, '/web/login')
  expect(codePage.html).toContain('No one from v-secure will ever ask you for it.')
  expect(codePage.html).not.toContain('LanOnasis')
  const body = gateway.inbox.sent.findLast(({ to }) => to === email)?.body
  expect(body?.brand).toEqual({ name: 'v-secure', colour: '#1a2b3c' })
})
