#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import * as oauth from 'openid-client'
import { FRAMEWORK_NAMES, init } from './init.mjs'
import { discover, signIn } from './sign-in.mjs'
import { readSignIn, signInOf, writeSignIn } from './store.mjs'
import { print, say, UsageError } from './terminal.mjs'

const USAGE = `Usage: npx @lanonasis/auth-cli <command> [--issuer URL] [--client-id ID] [--json]

login   signs you in and stores the tokens for your user alone
          [--method browser|device|email|paste] [--scope "…"] [--email ADDRESS] [--port N]
token   prints an access token, renewed if it is about to expire; with LANONASIS_CLIENT_SECRET one of the client itself, for CI
          [--scope "…"] [--resource URL]
whoami  prints who you are signed in as
logout  revokes the tokens and forgets them
init    registers a client at a gateway in development and writes the settings of a framework (${FRAMEWORK_NAMES.join(', ')})
          <framework> [--name NAME] [--redirect-uri URI] [--port N] [--scope "…"]

Methods: browser, on this computer; device, a code to enter in any browser; email, a one-time code to enter here; paste, a link to open
in any browser, which shows a code to enter here. By default browser if there is a display, device otherwise.

The issuer is --issuer, LANONASIS_ISSUER, the one of \`npm run dev\` here, or https://auth.lanonasis.com (for init http://localhost:4000).
Messages go to standard error and results to standard output. Exit code 1: it failed, 2: wrong usage.`

/** An access token is renewed when it has less left than this. */
const LEEWAY_MILLISECONDS = 60_000

/** The gateway of \`npm run dev\` in this folder. */
function issuerOfDev() {
  try {
    const folder = process.env.DEV_DIRECTORY || '.dev'
    const { pid, environment } = JSON.parse(readFileSync(`${folder}/running.json`, 'utf8'))
    process.kill(pid, 0)
    return environment.AUTH_BASE_URL
  } catch {
    return undefined
  }
}

function readArguments() {
  const string = { type: 'string' }
  const names = ['issuer', 'client-id', 'method', 'scope', 'resource', 'email', 'port', 'name', 'redirect-uri']
  const options = Object.fromEntries(names.map((name) => [name, string]))
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        ...options,
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    })
    const [command = '', framework, ...rest] = positionals
    if (rest.length > 0 || (framework && command !== 'init')) throw new Error(`"${positionals.at(-1)}" is not expected`)
    const usual = command === 'init' ? 'http://localhost:4000' : 'https://auth.lanonasis.com'
    const { LANONASIS_ISSUER, LANONASIS_CLIENT_ID } = process.env
    const issuer = values.issuer ?? LANONASIS_ISSUER ?? issuerOfDev() ?? usual
    return { 'client-id': LANONASIS_CLIENT_ID ?? 'lanonasis-cli', ...values, issuer, command, framework }
  } catch (error) {
    throw new UsageError(error.message)
  }
}

const notSignedIn = () => new Error('you are not signed in')

/** Returns a sign-in whose access token is valid for a while, renewed if necessary. */
async function currentSignIn(options) {
  const stored = await readSignIn(options)
  if (!stored) throw notSignedIn()
  if (stored.expires_at > Date.now() + LEEWAY_MILLISECONDS) return stored
  if (!stored.refresh_token) throw notSignedIn()
  const renewed = await oauth.refreshTokenGrant(await discover(options), stored.refresh_token)
  const current = signInOf({ refresh_token: stored.refresh_token, ...renewed })
  await writeSignIn(options, current)
  return current
}

async function tokenOfClient(options, secret) {
  const { scope, resource } = options
  const parameters = { ...(scope && { scope }), ...(resource && { resource }) }
  return signInOf(await oauth.clientCredentialsGrant(await discover(options, secret), parameters))
}

const COMMANDS = {
  async login(options) {
    const tokens = await signIn({ port: '8888', ...options })
    await writeSignIn(options, signInOf(tokens))
    say('You are signed in.')
  },

  async token(options) {
    const secret = process.env.LANONASIS_CLIENT_SECRET
    const found = secret ? await tokenOfClient(options, secret) : await currentSignIn(options)
    const { access_token, expires_at } = found
    print(
      options.json ? JSON.stringify({ access_token, expires_at: new Date(expires_at).toISOString() }) : access_token,
    )
  },

  async whoami(options) {
    const { access_token: token } = await currentSignIn(options)
    const { href } = new URL('/v1/auth/verify', options.issuer)
    const response = await fetch(href, { headers: { authorization: `Bearer ${token}` }, redirect: 'error' })
    if (response.status === 401) throw notSignedIn()
    if (!response.ok) throw new Error(`the gateway answers ${response.status}`)
    const { sub, email, scope, organization_id } = await response.json()
    const person = { sub, email, scope, organization_id, issuer: options.issuer }
    print(options.json ? JSON.stringify(person) : [email, sub].filter(Boolean).join(' '))
  },

  async logout(options) {
    const stored = await readSignIn(options)
    if (!stored) throw notSignedIn()
    await writeSignIn(options, undefined)
    await oauth.tokenRevocation(await discover(options), stored.refresh_token ?? stored.access_token)
    say('You are signed out.')
  },

  init: (options) => init(options, options.framework),
}

async function main() {
  const options = readArguments()
  if (options.help) return print(USAGE)
  if (options.version) {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    return print(version)
  }
  if (!Object.hasOwn(COMMANDS, options.command)) throw new UsageError(`There is no command "${options.command}"`)
  await COMMANDS[options.command](options)
}

main().catch((error) => {
  const wrong = error instanceof UsageError
  say(
    wrong
      ? `${error.message}\n\n${USAGE}`
      : `Failed: ${error.error_description ?? error.cause?.error_description ?? error.message}`,
  )
  process.exitCode = wrong ? 2 : 1
})
