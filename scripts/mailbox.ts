import { pathToFileURL } from 'node:url'
import { serve } from '@hono/node-server'
import type { Hono } from 'hono'
import { createMailboxApp, type MailboxOptions } from './mailbox/app.tsx'

export interface Mailbox {
  /** Where it listens: the page, and the base URL for the SDKs of Resend and Twilio. */
  url: string
  stop(): Promise<void>
}

/**
 * Starts the local mailbox on the loopback interface: the APIs of Resend and Twilio for senders, a page and `/messages.json` for people
 * and scripts. Port 0 takes any free one. Messages live in memory.
 */
export async function startMailbox(options: MailboxOptions & { port: number; app?: Hono }): Promise<Mailbox> {
  const app = options.app ?? createMailboxApp(options)
  const { port, server } = await new Promise<{ port: number; server: ReturnType<typeof serve> }>((resolve, reject) => {
    const listening = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: options.port }, (info) =>
      resolve({ port: info.port, server: listening }),
    )
    listening.once('error', reject)
  })
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const port = Number(process.env.MAILBOX_PORT ?? 4010)
  const {
    RESEND_API_KEY: apiKey = 're_local_mailbox',
    RESEND_WEBHOOK_SECRET: secret,
    DELIVERY_STATUS_URL,
  } = process.env
  const webhook = secret && DELIVERY_STATUS_URL ? { url: `${DELIVERY_STATUS_URL}/resend`, secret } : undefined
  const mailbox = await startMailbox({ port, apiKey, webhook })
  console.log(`mailbox ready on ${mailbox.url}`)
}
