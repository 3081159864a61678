import { createHash, randomBytes } from 'node:crypto'
import { styleText } from 'node:util'
import { DEMO_USERS } from '../supabase-auth/app.ts'

interface BannerOptions {
  issuer: string
  mailboxUrl: string
  functionsUrl: string
  /** The stand-in for Supabase Auth runs. */
  hasDemoUsers: boolean
  databaseUrl: string
  seconds: number
}

/** Returns what a developer needs next: URLs, and a sign-in that is ready to click. */
export function banner(options: BannerOptions): string {
  const { issuer, mailboxUrl, functionsUrl, hasDemoUsers, databaseUrl, seconds } = options
  const sample = sampleAuthorization(issuer)
  const passwords: [string, string] = [
    'Passwords',
    DEMO_USERS.map((one) => `${one.email} / ${one.password}`).join(' · '),
  ]
  const rows: [string, string][] = [
    ['Gateway', issuer],
    ['Try it', `${issuer}/test-client`],
    ['Sign-in page', `${issuer}/auth/login`],
    ['Mailbox', `${mailboxUrl}  (scripts: ${mailboxUrl}/messages.json)`],
    ['Discovery', `${issuer}/.well-known/openid-configuration`],
    ['Edge functions', functionsUrl],
    ...(hasDemoUsers ? [passwords] : []),
    ['Database', databaseUrl],
    ['Authorize', sample.url],
    ['Tokens', sample.exchange],
  ]
  const lines = rows.map(([name, value]) => `  ${styleText('bold', name.padEnd(15))}${value}`)
  const title = styleText('green', `The auth gateway runs (${seconds.toFixed(1)} s). Ctrl-C stops everything.`)
  return ['', title, '', ...lines, ''].join('\n')
}

/**
 * An authorization request of the client `auth-tester` with PKCE (RFC 7636), and the command that redeems the code which
 * ends up in the address bar.
 */
function sampleAuthorization(issuer: string): { url: string; exchange: string } {
  const verifier = randomBytes(32).toString('base64url')
  const redirectUri = new URL('/auth-tester', issuer).href
  const url = new URL('/oauth/authorize', issuer)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: 'auth-tester',
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    state: randomBytes(12).toString('base64url'),
    nonce: randomBytes(12).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString()
  const form = [
    'grant_type=authorization_code',
    'client_id=auth-tester',
    `redirect_uri=${redirectUri}`,
    `code_verifier=${verifier}`,
    'code=PASTE_THE_CODE',
  ]
  return { url: url.href, exchange: `curl -s ${issuer}/oauth/token ${form.map((field) => `-d ${field}`).join(' ')}` }
}
