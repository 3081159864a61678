import postgres from 'postgres'
import { databaseTls, type TlsSettings } from '../../shared/database-tls.ts'
import { scramVerifier } from './scram.ts'

export interface GatewayDatabase {
  /** Superuser of the server. */
  superuserUrl: string
  /** Owner of the database, no superuser: as on Supabase, migrations run as this role. */
  ownerUrl: string
  /** Login of the running gateway; `migrate` creates it when given this as `applicationUrl`. */
  appUrl: string
}

/** Returns the connection strings of database `name` on the server at `serverUrl`; its roles share the superuser's password. */
export function gatewayDatabase(serverUrl: string, name: string): GatewayDatabase {
  const as = (user: string) => {
    const url = new URL(serverUrl)
    url.username = user
    url.pathname = `/${name}`
    return url.href
  }
  return {
    superuserUrl: as('postgres'),
    ownerUrl: as('auth_gateway_owner'),
    appUrl: as('auth_gateway_login'),
  }
}

/** Creates the owner role and the empty database on a server, if they are missing. */
export async function createGatewayDatabase(serverUrl: string, name: string): Promise<GatewayDatabase> {
  const verifier = scramVerifier(decodeURIComponent(new URL(serverUrl).password))
  await onServer(serverUrl, async (sql) => {
    const [owner] = await sql`select 1 from pg_roles where rolname = 'auth_gateway_owner'`
    if (!owner)
      await sql.unsafe(`create role auth_gateway_owner login createdb createrole bypassrls password '${verifier}'`)
    const [database] = await sql`select 1 from pg_database where datname = ${name}`
    if (!database) await sql`create database ${sql(name)} owner auth_gateway_owner`
  })
  return gatewayDatabase(serverUrl, name)
}

/** Drops the database, open connections included. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await onServer(serverUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`)
}

/** Opens one connection, also through a pooler. */
export const openConnection = (url: string, tls: TlsSettings, options: postgres.Options<never> = {}): postgres.Sql =>
  postgres(url, { max: 1, prepare: false, onnotice: () => {}, ...options, ...databaseTls(url, tls) })

/** Runs statements over one short superuser connection. */
export async function onServer<T>(serverUrl: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = openConnection(serverUrl, {})
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}
