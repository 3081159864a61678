import { serveLocally } from './lib/serve-locally.ts'
import { program, readFlags, type Terminal } from './lib/terminal.ts'
import { createSupabaseAuth, DEMO_USERS, type SentLink, type SupabaseAuthOptions } from './supabase-auth/app.ts'

/** The publishable key of the stand-in in local development. */
export const LOCAL_PUBLISHABLE_KEY = 'sb_publishable_local'

/** Starts the stand-in for Supabase Auth on the loopback interface. Port 0 takes any free one. */
export async function startSupabaseAuth({ port, ...options }: Omit<SupabaseAuthOptions, 'url'> & { port: number }) {
  const auth = await createSupabaseAuth({ url: () => server.url, ...options })
  const server = await serveLocally(auth.app, port)
  return { ...auth, ...server }
}

/** Returns what mails a link through the local mailbox, as Supabase Auth would. */
export const mailThrough = (mailboxUrl: string, key: string) => async (link: SentLink) => {
  const target = new URL(link.redirectTo ?? 'http://localhost:4000/')
  target.searchParams.set('token_hash', link.tokenHash)
  target.searchParams.set('type', link.type === 'signup' ? 'email' : 'recovery')
  const subject = link.type === 'signup' ? 'Confirm your address' : 'Choose a new password'
  const text = `${subject}:\n\n${target.href}\n`
  const html = `<p><a href="${target.href.replaceAll('&', '&amp;')}">${subject}</a></p>`
  await fetch(`${mailboxUrl}/emails`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ from: 'Supabase Auth <auth@lanonasis.test>', to: link.to, subject, text, html }),
  })
}

const USAGE = `npx tsx scripts/supabase-auth.ts

Starts the stand-in for Supabase Auth on port SUPABASE_AUTH_PORT (4012) with its demo users, as npm run dev does.`

async function command(args: string[], { env, out }: Terminal): Promise<number> {
  readFlags(args, {})
  const { RESEND_BASE_URL: mailboxUrl, RESEND_API_KEY: key = '' } = env
  const auth = await startSupabaseAuth({
    port: Number(env.SUPABASE_AUTH_PORT ?? 4012),
    publishableKey: env.SUPABASE_ANON_KEY ?? LOCAL_PUBLISHABLE_KEY,
    ...(mailboxUrl && { send: mailThrough(mailboxUrl, key) }),
  })
  for (const user of DEMO_USERS) auth.add(user)
  out(`supabase auth ready on ${auth.url}`)
  return 0
}

export const supabaseAuthProgram = await program(import.meta.url, USAGE, command, { alone: true })
