import { readFileSync } from 'node:fs'
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import { stylesheet } from '../../netlify/pages/style.ts'
import { createMessages, type Messages, type StoredMessage } from './messages.ts'
import { createOtherApis } from './other-apis.ts'
import { MailboxPage } from './page.tsx'
import { createResendApi } from './resend-api.ts'
import { createStatusReports } from './status-reports.ts'
import { createTwilioApi, LOCAL_TWILIO, type TwilioAccount } from './twilio-api.ts'

const asset = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
const MESSAGE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"

export interface MailboxOptions {
  /** The API key of mail senders. */
  apiKey: string
  /** The account of text message senders. */
  twilio?: TwilioAccount
  /** URL and signing secret of Resend's webhook. */
  webhook?: { url: string; secret: string }
  messages?: Messages
}

/** Creates the mailbox: the APIs of Resend and Twilio, the page, `/messages.json` (`?to=` and `?limit=`), and each message's HTML. */
export function createMailboxApp(options: MailboxOptions): Hono {
  const messages = options.messages ?? createMessages()
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    c.header('cache-control', 'no-store')
    c.header('x-content-type-options', 'nosniff')
    c.header('referrer-policy', 'no-referrer')
  })
  const account = options.twilio ?? LOCAL_TWILIO
  const statusReports = createStatusReports({ webhook: options.webhook, account })
  app.route('/', createResendApi({ apiKey: options.apiKey, messages, accepted: statusReports.mail }))
  app.route('/', createTwilioApi({ account, messages, accepted: statusReports.sms }))
  app.route('/', createOtherApis({ messages }))

  app.get('/messages.json', (c) => {
    const limit = Number(c.req.query('limit') ?? Number.POSITIVE_INFINITY)
    return c.json(messages.list(c.req.query('to')).slice(0, Number.isNaN(limit) ? undefined : Math.max(0, limit)))
  })
  const page = (c: Context, opened: StoredMessage | undefined, view: 'list' | 'message') => {
    const to = c.req.query('to')
    const content = <MailboxPage messages={messages.list(to)} opened={opened} view={view} to={to} />
    c.header('content-security-policy', PAGE_POLICY)
    return c.html(html`<!doctype html>${content}`, view === 'message' && !opened ? 404 : 200)
  }
  app.get('/', (c) => page(c, messages.list(c.req.query('to'))[0], 'list'))
  app.get('/messages/:id', (c) => page(c, messages.find(c.req.param('id')), 'message'))
  app.get('/messages/:id/html', (c) => {
    const body = messages.find(c.req.param('id'))?.html
    c.header('content-security-policy', MESSAGE_POLICY)
    return body === undefined ? c.notFound() : c.html(body)
  })
  const css = () => stylesheet + asset('mailbox.css')
  app.get('/mailbox.css', (c) => c.body(css(), 200, { 'content-type': 'text/css; charset=utf-8' }))
  app.get('/mailbox.js', (c) => c.body(asset('mailbox.js'), 200, { 'content-type': 'text/javascript; charset=utf-8' }))
  return app
}
