import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { addClient, useGateway } from '../support/gateway.ts'
import { authorizeParams, newVerifier, signIn } from '../support/sign-in.ts'

const gateway = useGateway()
let browser: Browser
let application: Server
let redirect_uri: string
const received: URLSearchParams[] = []

beforeAll(async () => {
  browser = await launchBrowser()
  application = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    if (request.method === 'POST') received.push(new URLSearchParams(body))
    response.setHeader('content-type', 'text/html').end('<h1>The application</h1>')
  })
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve))
  redirect_uri = `http://127.0.0.1:${(application.address() as AddressInfo).port}/callback`
  await addClient(gateway, 'posts', { redirect_uris: [redirect_uri] })
})
afterAll(async () => {
  await browser?.close()
  application?.close()
})

async function consentPage(options: BrowserContextOptions) {
  const person = await signIn(gateway)
  const context = await browser.newContext({ baseURL: gateway.url, ...options })
  context.setDefaultTimeout(15_000)
  const session = person.browser.cookies.get('lanonasis_session') ?? ''
  await context.addCookies([{ name: 'lanonasis_session', value: session, url: gateway.url }])
  const page = await context.newPage()
  const asked = { client_id: 'posts', redirect_uri, scope: undefined, response_mode: 'form_post', state: 'a b&c' }
  await page.goto(`/oauth/authorize?${new URLSearchParams(authorizeParams(newVerifier(), asked))}`)
  return { page, context }
}

test.each([true, false])(
  'an answer is posted to the application, with JavaScript: %s',
  async (javaScriptEnabled) => {
    const { page, context } = await consentPage({ javaScriptEnabled })
    await page.getByRole('button', { name: 'Allow' }).click()
    if (!javaScriptEnabled) {
      const button = page.getByRole('button', { name: `Continue to ${new URL(redirect_uri).host}` })
      await button.click()
    }
    await page.getByRole('heading', { name: 'The application' }).waitFor()
    const answer = received.pop()
    expect([page.url(), answer?.get('state'), answer?.get('iss')]).toEqual([redirect_uri, 'a b&c', gateway.url])
    expect(answer?.get('code')).toMatch(/^[\w-]{64}$/)
    await context.close()
  },
  60_000,
)
