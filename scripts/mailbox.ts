import type { Hono } from 'hono'
import { serveLocally } from './lib/serve-locally.ts'
import { program, readFlags, type Terminal } from './lib/terminal.ts'
import { createMailboxApp, type MailboxOptions } from './mailbox/app.tsx'

export type Mailbox = Awaited<ReturnType<typeof startMailbox>>

/** The API key of mail senders in local development. */
export const LOCAL_RESEND_KEY = 're_local_mailbox'

/**
 * Starts the local mailbox on the loopback interface: the APIs of Resend and Twilio for senders, a page and `/messages.json` for people
 * and scripts. Port 0 takes any free one. Messages are kept in memory.
 */
export const startMailbox = (options: MailboxOptions & { port: number; app?: Hono }) =>
  serveLocally(options.app ?? createMailboxApp(options), options.port)

const USAGE = `npx tsx scripts/mailbox.ts

Starts the local mailbox on port MAILBOX_PORT (4010), as npm run dev does. It implements the APIs of Resend and Twilio.`

async function command(args: string[], { env, out }: Terminal): Promise<number> {
  readFlags(args, {})
  const { RESEND_API_KEY: apiKey = LOCAL_RESEND_KEY, RESEND_WEBHOOK_SECRET: secret, DELIVERY_STATUS_URL } = env
  const webhook = secret && DELIVERY_STATUS_URL ? { url: `${DELIVERY_STATUS_URL}/resend`, secret } : undefined
  const mailbox = await startMailbox({ port: Number(env.MAILBOX_PORT ?? 4010), apiKey, webhook })
  out(`mailbox ready on ${mailbox.url}`)
  return 0
}

export const mailboxProgram = await program(import.meta.url, USAGE, command, { alone: true })
