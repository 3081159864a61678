import { randomBytes } from 'node:crypto'
import { projectScope } from '../access/project-scope.ts'
import { safeReturnTo, withGoal } from '../access/return-to.ts'
import type { Call } from '../call.ts'
import { LIFETIME_SECONDS } from '../domain/otp-challenge.ts'
import { GatewayError } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { describeUserAgent } from '../http/user-agent.ts'
import { matchesRedirectUri } from '../oauth/clients/redirect-uri.ts'
import { mailbox } from '../people/code-address.ts'
import { findClient } from '../queries/api-clients.ts'
import { hashToken } from '../tokens/opaque.ts'
import { type CodeSignIn, findChallenge, stateOfChallenge } from './one-time-code.ts'
import { brandOf, sendCode } from './send-code.ts'
import { clientOfPlatform } from './start-session.ts'

const HAND_OVER_MS = 60_000

/** Content of a link, sealed, so that only the hash of its secret is stored. */
export type MagicLink = {
  challengeId: string
  secret: string
  email: string
  platform: string
  projectScope: string
  /** Where the sign-in ends; the dashboard by default. */
  redirectUri?: string
  /** Whether the application gets a code to exchange for tokens, instead of a session for the browser. */
  handsOver: boolean
  onlyKnown: boolean
  /** Milliseconds. */
  askedAt: number
  until: number
  /** Requesting browser and system. */
  device?: string
}

const seal = ({ ring }: Gateway, kind: string, value: object) => ring.sealJson('magic-link', value, kind)

function unseal<T extends { until: number }>(
  { ring, now }: Gateway,
  kind: string,
  sealed: string,
  next: (value: T) => { href: string; label: string } | undefined = () => undefined,
): T {
  const value = ring.openJson<T>('magic-link', sealed, kind)
  if (!value) throw new GatewayError('magic_link_state_invalid', { reason: 'not issued here' })
  if (value.until > now().getTime()) return value
  throw new GatewayError('magic_link_state_invalid', { reason: 'expired', next: next(value) })
}

/** Returns where to get a new link instead of one that is no longer valid, with its return address. */
export const signInInstead = ({ handsOver, redirectUri }: Pick<MagicLink, 'handsOver' | 'redirectUri'>) => ({
  href: withGoal('/web/login', handsOver ? undefined : redirectUri),
  label: 'Sign in',
})

/** @throws GatewayError magic_link_state_invalid */
export const openLink = (gateway: Gateway, state: string) => unseal<MagicLink>(gateway, 'link', state, signInInstead)

type Asked = { email: string; redirectUri?: string; platform: string; projectScope?: string; createUser?: boolean }

/**
 * Returns where a link leads, checked: for a browser to the gateway and its applications, for an application to its redirect URIs.
 * @throws GatewayError invalid_redirect_uri
 */
async function destinationOf(gateway: Gateway, { redirectUri, platform }: Asked) {
  const client = await findClient(gateway.reads, clientOfPlatform(platform))
  if (redirectUri === undefined) return { client, handsOver: false }
  const registered = client?.status === 'active' && matchesRedirectUri(client.metadata.redirect_uris, redirectUri)
  if (platform !== 'web' && registered) return { client, redirectUri, handsOver: true }
  const own = platform === 'web' ? safeReturnTo(gateway.config, redirectUri) : undefined
  if (own === undefined && !registered) throw new GatewayError('invalid_redirect_uri')
  return { client, redirectUri: own ?? redirectUri, handsOver: false }
}

/**
 * Sends a link that signs in after confirmation. The answer is the same whether or not the address is known.
 * @throws GatewayError invalid_redirect_uri, and as sendCode
 */
export async function sendMagicLink(call: Call, asked: Asked): Promise<void> {
  const { gateway } = call
  const { client, redirectUri, handsOver } = await destinationOf(gateway, asked)
  const { email, platform, createUser = true } = asked
  const askedAt = gateway.now().getTime()
  const facts = {
    ...{ email, platform, projectScope: projectScope(asked.projectScope), redirectUri, handsOver },
    ...{ onlyKnown: !createUser, askedAt, until: askedAt + LIFETIME_SECONDS * 1000 },
    device: await describeUserAgent(call.request.userAgent),
  }
  const link = (challengeId: string, secret: string) => {
    const state = seal(gateway, 'link', { ...facts, challengeId, secret } satisfies MagicLink)
    return `${gateway.issuer}/v1/auth/magic-link/callback?${new URLSearchParams({ state })}`
  }
  const shown = handsOver ? { clientName: client?.metadata.client_name, brand: brandOf(client) } : {}
  await sendCode(call, { to: mailbox(email), ...shown, link })
}

/** Returns whether a link can still sign in, and its person if known. */
export async function stateOfLink(call: Call, link: MagicLink): Promise<{ open: boolean; holder?: string }> {
  const { challenge, person } = await findChallenge(call, {
    to: mailbox(link.email),
    challengeId: link.challengeId,
  })
  const state = stateOfChallenge(challenge)
  return { open: state.status === 'open' && state.expiresAt > call.gateway.now(), holder: person?.uai }
}

/** Returns the code of a link for `completeSignIn`. */
export const codeOf = ({ email, secret, challengeId, onlyKnown }: MagicLink): CodeSignIn => ({
  ...{ to: mailbox(email), code: secret, challengeId, browserHash: hashToken(secret), byLink: true, onlyKnown },
})

type HandOver = { link: MagicLink; state: string; until: number }

/** Returns the redirect of an application with its code, valid for a minute, once, and only with its state. */
export function handOverUrl(gateway: Gateway, link: MagicLink, redirectUri: string): string {
  const state = randomBytes(16).toString('base64url')
  const code = seal(gateway, 'code', { link, state, until: gateway.now().getTime() + HAND_OVER_MS } satisfies HandOver)
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${new URLSearchParams({ code, state })}`
}

/** @throws GatewayError magic_link_state_invalid */
export function openHandOver(gateway: Gateway, code: string, state: string): MagicLink {
  const opened = unseal<HandOver>(gateway, 'code', code)
  if (opened.state !== state) throw new GatewayError('magic_link_state_invalid', { reason: 'state of another code' })
  return opened.link
}
