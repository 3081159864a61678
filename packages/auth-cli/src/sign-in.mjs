import { spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline/promises'
import * as oauth from 'openid-client'
import { say, UsageError } from './terminal.mjs'

/** Returns whether a browser can be opened on this computer. */
function hasDisplay(env = process.env) {
  if (env.SSH_CONNECTION || env.SSH_TTY || env.CI) return false
  return ['darwin', 'win32'].includes(process.platform) || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
}

function openBrowser(url) {
  say(`Open this address in your browser, if it does not open automatically:\n\n  ${url}\n`)
  const [command, ...args] =
    process.env.BROWSER !== undefined
      ? [process.env.BROWSER]
      : ({ darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[process.platform] ?? ['xdg-open'])
  spawn(command, [...args, url.href], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref()
}

async function ask(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await Promise.race([
    terminal.question(question),
    once(terminal, 'close').then(() => {
      throw new Error('no answer was given')
    }),
  ])
  terminal.close()
  return answer.trim()
}

/** Reads the metadata of the gateway. @param secret of a confidential client */
export const discover = ({ issuer, 'client-id': clientId }, secret) =>
  oauth.discovery(new URL(issuer), clientId, undefined, secret ? oauth.ClientSecretBasic(secret) : oauth.None(), {
    algorithm: 'oauth2',
    execute: new URL(issuer).protocol === 'http:' ? [oauth.allowInsecureRequests] : [],
  })

async function beginCodeFlow(config, redirectUri, { scope }, port) {
  const verifier = oauth.randomPKCECodeVerifier()
  // A hosted callback finds the listener by the port at the end of the state.
  const state = `${oauth.randomState()}${port ? `.${port}` : ''}`
  const url = oauth.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...(scope && { scope }),
  })
  const finish = (callback) =>
    oauth.authorizationCodeGrant(config, callback, { pkceCodeVerifier: verifier, expectedState: state })
  return { url, state, finish }
}

const PAGE = (title) => `<!doctype html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>
<p>You can close this page and go back to the terminal.`

/** RFC 8252: a listener on the loopback interface, on the requested port or, if that is taken, on any. */
async function byBrowser(options) {
  const config = await discover(options)
  const server = createServer()
  await listen(server, Number(options.port)).catch(() => listen(server, 0))
  try {
    const redirectUri = `http://127.0.0.1:${server.address().port}/callback`
    const flow = await beginCodeFlow(config, redirectUri, options)
    openBrowser(flow.url)
    for await (const [request, response] of on(server, 'request')) {
      const callback = new URL(request.url, redirectUri)
      // Any program can call an open port: only the response to this request ends the wait.
      if (callback.pathname !== '/callback' || callback.searchParams.get('state') !== flow.state) {
        response.writeHead(404).end()
        continue
      }
      const tokens = await flow.finish(callback).catch((error) => error)
      const failed = tokens instanceof Error
      response.writeHead(failed ? 400 : 200, { 'content-type': 'text/html; charset=utf-8', connection: 'close' })
      response.end(PAGE(failed ? 'The sign-in failed' : 'You are signed in'))
      if (failed) throw tokens
      return tokens
    }
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

function listen(server, port) {
  server.listen(port, '127.0.0.1')
  return once(server, 'listening')
}

async function byDevice(options) {
  const config = await discover(options)
  const { scope } = options
  const device = await oauth.initiateDeviceAuthorization(config, scope ? { scope } : {})
  say(`Open ${device.verification_uri} in any browser and enter the code\n\n  ${device.user_code}\n`)
  say(`or open ${device.verification_uri_complete}`)
  return oauth.pollDeviceAuthorizationGrant(config, device)
}

async function byPaste(options) {
  const config = await discover(options)
  const redirectUri = `${options.issuer.replace(/\/$/, '')}/auth/cli-callback`
  const flow = await beginCodeFlow(config, redirectUri, options)
  say(`Open this address in any browser, sign in, and enter the code here:\n\n  ${flow.url}\n`)
  const callback = new URL(redirectUri)
  callback.search = new URLSearchParams({
    code: await ask('Code: '),
    state: flow.state,
    iss: config.serverMetadata().issuer,
  })
  return flow.finish(callback)
}

async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.message ?? answer.error)
  return answer
}

async function byEmail(options) {
  const base = `${options.issuer.replace(/\/$/, '')}/v1/auth/otp`
  const email = options.email ?? (await ask('E-mail address: '))
  await post(`${base}/send`, { email, type: 'email', platform: 'cli' })
  say(`We sent a code to ${email}.`)
  return post(`${base}/verify`, { email, token: await ask('Code: '), type: 'email', platform: 'cli' })
}

const METHODS = { browser: byBrowser, device: byDevice, email: byEmail, paste: byPaste }

/** Signs a person in and returns the token response. @throws UsageError for an unknown method */
export async function signIn(options) {
  const method = options.method ?? (hasDisplay() ? 'browser' : 'device')
  if (!Object.hasOwn(METHODS, method)) throw new UsageError(`There is no method "${method}"`)
  return METHODS[method](options)
}
