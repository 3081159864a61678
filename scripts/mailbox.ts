import { serve } from '@hono/node-server'
import type { Hono } from 'hono'
import { program, readFlags, runAsProgram, type Terminal } from './lib/terminal.ts'
import { createMailboxApp, type MailboxOptions } from './mailbox/app.tsx'

export interface Mailbox {
  /** The URL of the page, and the base URL for the SDKs of Resend and Twilio. */
  url: string
  stop(): Promise<void>
}

/**
 * Starts the local mailbox on the loopback interface: the APIs of Resend and Twilio for senders, a page and `/messages.json` for people
 * and scripts. Port 0 takes any free one. Messages are kept in memory.
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

const USAGE = `npx tsx scripts/mailbox.ts

Starts the local mailbox on port MAILBOX_PORT (4010), as npm run dev does. It implements the APIs of Resend and Twilio.`

async function command(args: string[], { env, out }: Terminal): Promise<number> {
  readFlags(args, {})
  const { RESEND_API_KEY: apiKey = 're_local_mailbox', RESEND_WEBHOOK_SECRET: secret, DELIVERY_STATUS_URL } = env
  const webhook = secret && DELIVERY_STATUS_URL ? { url: `${DELIVERY_STATUS_URL}/resend`, secret } : undefined
  const mailbox = await startMailbox({ port: Number(env.MAILBOX_PORT ?? 4010), apiKey, webhook })
  out(`mailbox ready on ${mailbox.url}`)
  return 0
}

export const mailboxProgram = program(USAGE, command, { alone: true })

await runAsProgram(import.meta.url, mailboxProgram)
