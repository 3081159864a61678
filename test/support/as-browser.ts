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
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const headers = {
    'content-type': 'application/json',
    origin,
    accept: 'application/json',
    cookie,
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
