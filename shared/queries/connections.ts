import type postgres from 'postgres'
import type { ConnectionSettings } from '../domain/connection.ts'
import { secretOf } from './event-secrets.ts'

export type ConnectionRow = {
  id: string
  slug: string
  status: 'enabled' | 'disabled'
  settings: ConnectionSettings
  /** The client secret, sealed. */
  secret: Uint8Array | null
  /** Our own key pairs, oldest first, with the sealed private key in base64; null once it was destroyed. */
  keys: { id: string; status: 'next' | 'active' | 'previous'; certificate: string; sealed: string | null }[]
  version: number
}

const columns = (sql: postgres.Sql) => sql`
  select c.id, c.slug, c.status, c.settings, ${secretOf(sql, sql`c.secret_event`, 'client_secret')} as secret, c.version,
    (select coalesce(jsonb_agg(k || jsonb_build_object('sealed',
        encode(${secretOf(sql, sql`(k->>'event')::uuid`, 'private_key')}, 'base64')) order by n), '[]')
      from jsonb_array_elements(c.keys) with ordinality as t(k, n)) as keys
  from auth_gateway.connections c`

/** A connection that is not removed, by its slug; `linkedin` is known as `linkedin_oidc` as well (docs/wire-contract.md 7.36). */
export async function findConnection(sql: postgres.Sql, slug: string): Promise<ConnectionRow | undefined> {
  const [row] = await sql<ConnectionRow[]>`${columns(sql)}
    where c.status <> 'removed' and lower(c.slug) = ${slug.toLowerCase().replace(/^linkedin_oidc$/, 'linkedin')}`
  return row
}

/** The settings of the newest connection with this name, even a removed one, since accounts refer to the name. */
export async function findNamed(sql: postgres.Sql, slug: string): Promise<ConnectionSettings | undefined> {
  const [row] = await sql<{ settings: ConnectionSettings }[]>`
    select c.settings from auth_gateway.connections c where lower(c.slug) = ${slug.toLowerCase()} order by c.id desc limit 1`
  return row?.settings
}

/** The enabled connection for an issuer's assertions. */
export async function findIssuer(sql: postgres.Sql, issuer: string): Promise<ConnectionRow | undefined> {
  const [row] = await sql<ConnectionRow[]>`${columns(sql)}
    where c.status = 'enabled' and c.settings->>'issuer' = ${issuer} and (c.settings->>'id_jag')::boolean order by c.id limit 1`
  return row
}

/**
 * The enabled connection for sign-ins with addresses of this domain.
 * @param domain of a parsed address
 */
export async function findDomain(sql: postgres.Sql, domain: string): Promise<ConnectionRow | undefined> {
  const [row] = await sql<ConnectionRow[]>`${columns(sql)}
    where c.status = 'enabled' and c.settings->'domains' ? ${domain} order by c.id limit 1`
  return row
}

/** All connections that are not removed. */
export function listConnections(sql: postgres.Sql): Promise<ConnectionRow[]> {
  return sql<ConnectionRow[]>`${columns(sql)} where c.status <> 'removed' order by c.added_at, c.id`
}

/** The connection that a session began through. */
export async function findConnectionOfSession(
  sql: postgres.Sql,
  sessionId: string,
): Promise<ConnectionRow | undefined> {
  const [row] = await sql<ConnectionRow[]>`${columns(sql)}
    where c.status = 'enabled' and c.id = (select x.connection_id from auth_gateway.sessions x where x.id = ${sessionId})`
  return row
}
