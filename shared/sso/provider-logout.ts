import * as z from 'zod/mini'
import type { Call } from '../call.ts'
import { end, session } from '../domain/session.ts'
import { GatewayError } from '../errors.ts'
import { commit } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { once } from '../once.ts'
import type { UpstreamFacts } from '../people/profile.ts'
import { type ConnectionRow, findConnectionOfSession } from '../queries/connections.ts'
import { listSessionsOfConnection } from '../queries/sessions.ts'
import { openUpstream, upstreamDigests } from '../sign-in/upstream-session.ts'
import { configurationOf } from './oauth-client.ts'

const CONTEXT = 'sso-logout'
const MINUTES = 5

/**
 * Ends sessions because their provider ended them: by account there, by session there, or by both.
 * @returns the number of sessions
 */
export async function endUpstreamSessions(
  call: Call,
  connection: ConnectionRow,
  upstream: { account?: string; sessions?: string[] },
): Promise<number> {
  const digests = upstreamDigests(call.gateway, connection.slug, upstream)
  return commit(call, async (work) => {
    work.actor = { type: 'service', id: connection.slug }
    const found = await listSessionsOfConnection(call.gateway.reads, connection.id, digests)
    for (const { id, uai, wrappedKey } of found) {
      ;(await work.load(session, id, { subject: uai, wrappedKey })).decide((state) => end(state, 'logout'))
    }
    return found.length
  })
}

/** Returns the path that also signs the browser out at its provider, if the connection has `logout` on. */
export async function providerLogoutPath(gateway: Gateway, sessionId: string): Promise<string | undefined> {
  const connection = await findConnectionOfSession(gateway.reads, sessionId)
  if (!connection?.settings.logout) return undefined
  const until = gateway.now().getTime() + MINUTES * 60_000
  const ticket = gateway.ring.sealJson(CONTEXT, { sessionId, until }, `${CONTEXT}.${connection.slug}`)
  return connection.settings.protocol === 'saml'
    ? `/v1/auth/saml/${connection.slug}/logout?ticket=${ticket}`
    : `/v1/auth/oauth/logout/${connection.slug}?ticket=${ticket}`
}

/** What names the session that ends at the provider as well. */
export const ticketQuery = once(() => z.object({ ticket: z.string('not_found').check(z.maxLength(2000, 'not_found')) }))

/**
 * Returns the session to end at the provider.
 * @throws GatewayError not_found when the ticket is invalid or has expired
 */
export async function readLogoutTicket(
  gateway: Gateway,
  slug: string,
  ticket: string,
): Promise<UpstreamFacts | undefined> {
  const { ring, now } = gateway
  const opened = ring.openJson<{ sessionId: string; until: number }>(CONTEXT, ticket, `${CONTEXT}.${slug}`)
  if (!opened || opened.until <= now().getTime()) throw new GatewayError('not_found')
  return openUpstream(gateway, opened.sessionId)
}

/** Returns where signing out of this session may redirect, for the page's `form-action`. */
export async function providerLogoutOrigins(gateway: Gateway, sessionId: string): Promise<string[]> {
  const connection = await findConnectionOfSession(gateway.reads, sessionId)
  if (!connection?.settings.logout) return []
  const { protocol, issuer, saml } = connection.settings
  const metadata =
    protocol === 'oidc'
      ? await configurationOf(gateway, connection)
          .then((one) => one.serverMetadata())
          .catch(() => undefined)
      : undefined
  const addresses = [issuer, metadata?.end_session_endpoint, saml?.logout_url, saml?.entry_point]
  return addresses.filter((one): one is string => one !== undefined)
}
