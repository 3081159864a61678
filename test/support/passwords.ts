import { freePort } from '../../scripts/lib/ports.ts'
import type { SentLink } from '../../scripts/supabase-auth/app.ts'
import { startSupabaseAuth } from '../../scripts/supabase-auth.ts'
import { newEmail, startGateway, type TestGateway } from './gateway.ts'

export const PASSWORD = 'correct horse battery'
const KEY = 'sb_publishable_test'

export type PasswordGateway = TestGateway & {
  /** Adds a user to Supabase Auth, with PASSWORD by default. */
  addUser(email?: string, password?: string): string
  /** A Supabase access token of a new user. */
  supabaseToken(email?: string): Promise<string>
}

/** A gateway whose people may have passwords, with the stand-in for Supabase Auth. */
export async function startWithPasswords(
  env: Record<string, string> = {},
  send: (link: SentLink) => void = () => {},
): Promise<PasswordGateway> {
  const supabase = await startSupabaseAuth({ port: await freePort(), publishableKey: KEY, send })
  const gateway = await startGateway({ env: { SUPABASE_URL: supabase.url, SUPABASE_ANON_KEY: KEY, ...env } })
  const add = (email: string, password = PASSWORD) => supabase.add({ email, password, metadata: { full_name: 'Ada' } })
  return Object.assign(gateway, {
    addUser: (email = newEmail('supabase'), password?: string) => add(email, password).email,
    supabaseToken: async (email = newEmail('supabase')) => (await supabase.session(add(email))).access_token,
    stop: ((stop) => async () => {
      await stop()
      await supabase.stop()
    })(gateway.stop),
  })
}
