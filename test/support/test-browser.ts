import { CookieJar, isSameSite, type Sender } from './cookie-jar.ts'
import { IP_HEADER, randomIp } from './gateway.ts'

export type Page = { url: string; status: number; headers: Headers; html: string; location: string | undefined }

type Visit = RequestInit & {
  /** Origin of the page that the person came from; undefined where they typed the address. */
  from?: string
}

export type Pressed = Page & { answers: string[] }

/** A tab without JavaScript: it follows redirects inside the gateway, submits forms, and goes back and reloads as browsers do. */
export interface Tab {
  /** Opens an address and follows redirects until a page or an address outside of the gateway (`location`). */
  visit(url: string, init?: Visit): Promise<Page>
  /** Submits the page's form whose action ends in `action` (the first one by default) with these fields filled in. */
  submit(page: Page, fields: Record<string, string>, action?: string): Promise<Page>
  /**
   * The same, with the button pressed so often before anything came back: a browser shows the answer to the last press alone.
   * `answers` has them all, each as a line of status, location and body.
   */
  press(times: number, page: Page, fields: Record<string, string>, action?: string | RegExp): Promise<Pressed>
  /** Loads what the tab shows again; the answer to a form is asked for by sending the form again. */
  reload(): Promise<Page>
  /** The previous page, as it was left (from the back/forward cache). */
  back(): Page
  /** The previous page, loaded again, since it must not be stored. */
  backAnew(): Promise<Page>
}

/** A browser: its tabs share one jar of cookies. The browser itself is its first tab. */
export interface TestBrowser extends Tab {
  cookies: CookieJar
  ip: string
  tab(): Tab
}

export function createBrowser({ url: base }: { url: string }, cookies = new CookieJar()): TestBrowser {
  const ip = randomIp()
  const { origin } = new URL(base)

  async function send(url: string, { from, ...init }: Visit): Promise<Response> {
    const headers = new Headers(init.headers)
    const method = (init.method ?? 'GET').toUpperCase()
    const sender: Sender = { initiator: from, method, topLevel: true }
    const cookie = cookies.header(url, sender)
    const site =
      from === undefined ? 'none' : from === origin ? 'same-origin' : isSameSite(from, url) ? 'same-site' : 'cross-site'
    const fetchMetadata = { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    for (const [name, value] of Object.entries({ [IP_HEADER]: ip, accept: 'text/html', ...fetchMetadata }))
      if (!headers.has(name)) headers.set(name, value)
    if (cookie) headers.set('cookie', cookie)
    return fetch(url, { ...init, headers, redirect: 'manual' })
  }

  function openTab(): Tab {
    const history: { url: string; init: Visit; page: Page }[] = []

    async function follow(first: Response, started: string, init: Visit): Promise<Page> {
      let [url, response] = [started, first]
      for (let hops = 0; hops < 10; hops++) {
        cookies.store(response.headers.getSetCookie(), url, { initiator: init.from, method: 'GET', topLevel: true })
        const html = await response.text()
        const location = response.headers.get('location')
        const page = { url, status: response.status, headers: response.headers, html }
        if (!location) return { ...page, location: undefined }
        const target = new URL(location, url)
        if (target.origin !== origin) return { ...page, location }
        url = target.href
        response = await send(url, { from: init.from })
      }
      throw new Error(`too many redirects at ${url}`)
    }

    async function open(to: string, init: Visit, replaces = false): Promise<Page> {
      const url = new URL(to, base).href
      const page = await follow(await send(url, init), url, init)
      const redirected = page.url !== url || page.location !== undefined
      // What a redirect led to is loaded again automatically; the answer to a form is not.
      const entry = { url: page.url, init: redirected ? { from: init.from } : init, page }
      if (replaces) history.pop()
      if (page.location === undefined) history.push(entry)
      return page
    }

    function prepare(page: Page, fields: Record<string, string>, action: string | RegExp = ''): [string, Visit] {
      const matches = (text: string) => (typeof action === 'string' ? text.endsWith(action) : action.test(text))
      const form = formsOf(page).find((one) => matches(one.action))
      if (!form) throw new Error(`no form ${action} at ${page.url} (${page.status}): ${textOf(page)}`)
      const body = new URLSearchParams({ ...form.fields, ...fields })
      return [new URL(form.action, page.url).href, { method: form.method, body, from: origin }]
    }

    const latest = () => {
      const entry = history.at(-1)
      if (!entry) throw new Error('the tab shows nothing')
      return entry
    }
    const leave = () => {
      history.pop()
      return latest()
    }

    return {
      visit: (url, init = {}) => open(url, init),
      submit: (page, fields, action) => open(...prepare(page, fields, action)),
      async press(times, page, fields, action) {
        const [url, init] = prepare(page, fields, action)
        const presses = Array.from({ length: times }, () => send(url, init))
        const responses = await Promise.all(presses)
        const texts = await Promise.all(responses.map((one) => one.clone().text()))
        const answers = responses.map(({ status, headers }, n) => `${status} ${headers.get('location')} ${texts[n]}`)
        const last = responses.at(-1)
        if (!last) throw new Error('not pressed at all')
        return { ...(await follow(last, url, init)), answers }
      },
      reload: () => open(latest().url, latest().init, true),
      back: () => leave().page,
      backAnew: () => {
        const { url, init } = leave()
        return open(url, init, true)
      },
    }
  }

  return { cookies, ip, tab: openTab, ...openTab() }
}

const plain = (text: string) =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

/** What a person reads on a page, without its style. */
export const textOf = ({ html }: Page) =>
  plain(html.replace(/<(style|head)[\s\S]*?<\/\1>/g, '').replace(/<[^>]*>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim()

const attribute = (tag: string, name: string) => {
  const found = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
  return found === undefined ? undefined : plain(found)
}

/** The forms of a page with what they would send untouched. */
export function formsOf({ html }: Page): { action: string; method: string; fields: Record<string, string> }[] {
  return [...html.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)].map(([, tag = '', inside = '']) => {
    const inputs = [...inside.matchAll(/<input[^>]*>/g)].map(([input]) => input)
    const fields = inputs.flatMap((input) => {
      const name = attribute(input, 'name')
      const value = attribute(input, 'value')
      return name && value !== undefined ? [[name, value]] : []
    })
    return {
      action: attribute(tag, 'action') ?? '',
      method: (attribute(tag, 'method') ?? 'get').toUpperCase(),
      fields: Object.fromEntries(fields),
    }
  })
}
