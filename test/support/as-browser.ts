import { isSameSite } from './cookie-jar.ts'
import type { TestGateway } from './gateway.ts'
import type { SignedInBrowser } from './sign-in.ts'

/** Calls the API as a page of ours in a person's browser does. */
export async function ask(
  gateway: TestGateway,
  { browser }: SignedInBrowser,
  method: string,
  path: string,
  body?: object,
  origin = gateway.url,
) {
  const cookie = browser.cookies.header(`${gateway.url}${path}`, { initiator: origin, method, topLevel: false })
  const site = origin === gateway.url ? 'same-origin' : isSameSite(origin, gateway.url) ? 'same-site' : 'cross-site'
  const headers = {
    'content-type': 'application/json',
    ...{ origin, 'sec-fetch-site': site, 'sec-fetch-mode': 'cors' },
    accept: 'application/json',
    ...(cookie && { cookie }),
    'x-real-ip': browser.ip,
  }
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
  const response = await fetch(`${gateway.url}${path}`, init)
  const text = await response.text()
  return {
    status: response.status,
    body: /\/json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text,
  }
}
