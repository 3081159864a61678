import { afterAll, beforeAll } from 'vitest'
import { freePort } from '../../scripts/lib/ports.ts'
import type { SentLink } from '../../scripts/supabase-auth/app.ts'
import { startSupabaseAuth } from '../../scripts/supabase-auth.ts'
import { newEmail, type TestGateway, useGateway } from './gateway.ts'

export const PASSWORD = 'correct horse battery'
const KEY = 'sb_publishable_test'

export type PasswordGateway = TestGateway & {
  /** Adds a user to Supabase Auth, with PASSWORD by default. */
  addUser(email?: string, password?: string): string
  /** A Supabase access token of a new user. */
  supabaseToken(email?: string): Promise<string>
}

/** A gateway of this test file, as `useGateway` starts it, whose people may have passwords, with the stand-in for Supabase Auth. */
export function usePasswordGateway(
  env: Record<string, string> = {},
  send: (link: SentLink) => void = () => {},
): PasswordGateway {
  let supabase: Awaited<ReturnType<typeof startSupabaseAuth>>
  beforeAll(async () => {
    supabase = await startSupabaseAuth({ port: await freePort(), publishableKey: KEY, send })
  })
  afterAll(() => supabase?.stop())
  const gateway = useGateway(() => ({ env: { SUPABASE_URL: supabase.url, SUPABASE_ANON_KEY: KEY, ...env } }))
  const add = (email: string, password = PASSWORD) => supabase.add({ email, password, metadata: { full_name: 'Ada' } })
  return Object.assign(gateway, {
    addUser: (email = newEmail('supabase'), password?: string) => add(email, password).email,
    supabaseToken: async (email = newEmail('supabase')) => (await supabase.session(add(email))).access_token,
  })
}
