import { serve } from '@hono/node-server'
import { program, readFlags, runAsProgram, type Terminal } from './lib/terminal.ts'
import { createSupabaseAuth, DEMO_USERS, type SentLink } from './supabase-auth/app.ts'

/**
 * Starts the stand-in for Supabase Auth on the loopback interface. Port 0 takes any free one.
 * @param options.publishableKey the `apikey` that callers must send
 */
export async function startSupabaseAuth(options: {
  port: number
  publishableKey: string
  jwtSecret?: string
  send?: (link: SentLink) => void | Promise<void>
  autoconfirm?: boolean
}) {
  let url = ''
  const { publishableKey: apiKey, ...rest } = options
  const auth = await createSupabaseAuth({ url: () => url, apiKey, ...rest })
  const { port, server } = await new Promise<{ port: number; server: ReturnType<typeof serve> }>((resolve, reject) => {
    const listening = serve({ fetch: auth.app.fetch, hostname: '127.0.0.1', port: options.port }, (info) =>
      resolve({ port: info.port, server: listening }),
    )
    listening.once('error', reject)
  })
  url = `http://127.0.0.1:${port}`
  return {
    ...auth,
    url,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

/** Mails a link through the local mailbox, as Supabase Auth would. */
async function mailLink(link: SentLink): Promise<void> {
  const base = process.env.RESEND_BASE_URL
  if (!base) return
  const target = new URL(link.redirectTo ?? 'http://localhost:4000/')
  target.searchParams.set('token_hash', link.tokenHash)
  target.searchParams.set('type', link.type === 'signup' ? 'email' : 'recovery')
  const subject = link.type === 'signup' ? 'Confirm your address' : 'Choose a new password'
  const text = `${subject}:\n\n${target.href}\n`
  const html = `<p><a href="${target.href.replaceAll('&', '&amp;')}">${subject}</a></p>`
  await fetch(`${base}/emails`, {
    method: 'POST',
    headers: { authorization: `Bearer ${process.env.RESEND_API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ from: 'Supabase Auth <auth@lanonasis.test>', to: link.to, subject, text, html }),
  })
}

const USAGE = `npx tsx scripts/supabase-auth.ts

Starts the stand-in for Supabase Auth on port SUPABASE_AUTH_PORT (4012) with its demo users, as npm run dev does.`

async function command(args: string[], { env, out }: Terminal): Promise<number> {
  readFlags(args, {})
  const auth = await startSupabaseAuth({
    port: Number(env.SUPABASE_AUTH_PORT ?? 4012),
    publishableKey: env.SUPABASE_ANON_KEY ?? 'sb_publishable_local',
    send: mailLink,
  })
  for (const user of DEMO_USERS) auth.add(user)
  out(`supabase auth ready on ${auth.url}`)
  return 0
}

export const supabaseAuthProgram = program(USAGE, command, { alone: true })

await runAsProgram(import.meta.url, supabaseAuthProgram)
