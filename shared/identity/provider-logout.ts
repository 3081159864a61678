import { end, session } from '../domain/session.ts'
import { commit } from '../events/commit.ts'
import { commitContext, type Gateway } from '../gateway.ts'
import type { AppContext } from '../http/app.ts'
import { type ConnectionRow, findConnectionOfSession } from '../queries/connections.ts'
import { listCredentials } from '../queries/credentials.ts'
import { findExternal } from '../queries/external-accounts.ts'
import type { Person } from '../queries/person.ts'
import { listSessionsOfConnection } from '../queries/sessions.ts'
import { openBytes, sealBytes } from '../tokens/sealed.ts'
import { externalLookup } from './external-account.ts'

const CONTEXT = 'sso-logout'
const MINUTES = 5

/** Ends every session that an account's provider began: somebody signed out there. @returns how many */
export async function endSessionsOfAccount(
  gateway: Gateway,
  c: AppContext,
  connection: ConnectionRow,
  externalId: string,
): Promise<number> {
  const { reads, personal } = gateway
  const digest = personal.digest(externalLookup(connection.slug, externalId))
  const { person } = await findExternal(reads, personal, { digest })
  if (!person) return 0
  return commit(commitContext(gateway, c), async (work) => {
    work.actor = { type: 'service', id: connection.slug }
    work.knowKey(person.uai, person.wrappedKey)
    const ids = await listSessionsOfConnection(reads, person, connection.id)
    for (const id of ids)
      (await work.load(session, id, { subject: person.uai })).decide((state) => end(state, 'logout'))
    return ids.length
  })
}

/** Where a browser that signs out here is to sign out as well: at the provider it came through, where that was asked for. */
export async function providerLogoutPath(
  gateway: Gateway,
  sessionId: string,
  person: Person,
): Promise<string | undefined> {
  const connection = await findConnectionOfSession(gateway.reads, sessionId)
  if (!connection?.settings.logout) return undefined
  const credentials = await listCredentials(gateway.reads, gateway.personal, person)
  const account = credentials.find(({ provider }) => provider === connection.slug)?.address
  const said = Buffer.from(JSON.stringify({ account, until: Date.now() + MINUTES * 60_000 }))
  const ticket = sealBytes(gateway.derive(CONTEXT), said, `${CONTEXT}.${connection.slug}`).toString('base64url')
  return connection.settings.protocol === 'saml'
    ? `/v1/auth/saml/${connection.slug}/logout?ticket=${ticket}`
    : `/v1/auth/oauth/logout/${connection.slug}?ticket=${ticket}`
}

/** The account that a logout is for; undefined when the ticket is not ours or too old. */
export function readLogoutTicket({ derive }: Gateway, slug: string, ticket: string): { account?: string } | undefined {
  try {
    const opened = openBytes(derive(CONTEXT), Buffer.from(ticket, 'base64url'), `${CONTEXT}.${slug}`)
    const { account, until } = JSON.parse(opened.toString())
    return until > Date.now() ? { account } : undefined
  } catch {
    return undefined
  }
}

/** Where a sign-out of this session may lead, for the page's `form-action`. */
export async function providerLogoutOrigins({ reads }: Gateway, sessionId: string): Promise<string[]> {
  const connection = await findConnectionOfSession(reads, sessionId)
  if (!connection?.settings.logout) return []
  const { issuer, saml } = connection.settings
  return [issuer, saml?.logout_url, saml?.entry_point].filter((one): one is string => one !== undefined)
}
