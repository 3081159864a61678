import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { renderPage } from '../../netlify/pages/render.ts'
import { launchBrowser } from '../support/browser.ts'
import { states } from './page-states.tsx'

type Post = { path: string; origin?: string; fields: Record<string, string> }

export type Gallery = Awaited<ReturnType<typeof openGallery>>

/** Serves every page state under its name to a real browser, with a client on another origin to be sent to. */
export async function openGallery() {
  const posts: Post[] = []
  let next = { location: '/', formAction: [] as string[] }
  const gateway = await listen(async (request, path) => {
    const state = states[path.slice(1)]
    if (request.method !== 'POST') return state && renderPage(state, { formAction: next.formAction })
    posts.push({ path, origin: request.headers.origin, fields: await fieldsOf(request) })
    return redirect(303, next.location)
  })
  const client = await listen(async (_, path) => {
    if (path === '/hop') return redirect(302, `${originOf(client).replace('http:', 'https:')}/home`)
    return new Response('<title>client</title>', { headers: { 'content-type': 'text/html' } })
  })
  const browser = await launchBrowser()
  const at = (name: string) => `${originOf(gateway)}/${name}`

  return {
    at,
    /** The form posts since the last visit. */
    posts,
    clientOrigin: originOf(client),
    /** A page of a fresh browser context. Close its context. */
    async page(options: BrowserContextOptions = {}): Promise<Page> {
      const context = await browser.newContext(options)
      context.setDefaultTimeout(10_000)
      return context.newPage()
    },
    /** Opens a state whose form posts are answered with a redirect to `location`; `formAction` as in `renderPage`. */
    async visit(page: Page, name: string, location: string, formAction: string[] = []): Promise<void> {
      posts.length = 0
      next = { location, formAction }
      await page.goto(at(name))
      if (await page.locator('[autofocus]').count()) await page.locator('[autofocus]:focus').waitFor()
    },
    async close(): Promise<void> {
      await browser.close()
      gateway.close()
      client.close()
    },
  }
}

/** Opens every `details` of the document; runs in the page. */
export function openDetails(): void {
  for (const details of document.querySelectorAll('details')) details.open = true
}

/** What the browser complains about on `page` from now on. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  return complaints
}

async function listen(
  reply: (request: IncomingMessage, path: string) => Promise<Response | undefined>,
): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { status, headers, body } = (await reply(request, request.url ?? '/')) ?? new Response(null, { status: 404 })
    response.writeHead(status, Object.fromEntries(headers))
    response.end(body && Buffer.from(await new Response(body).arrayBuffer()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function fieldsOf(request: IncomingMessage): Promise<Record<string, string>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()))
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function redirect(status: number, location: string): Response {
  return new Response(null, { status, headers: { location } })
}
