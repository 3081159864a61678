import type postgres from 'postgres'
import type { Migration } from './migration-files.ts'

/** The statements of the migrations that grant access. They begin at the start of a line, and running them again changes nothing. */
const ACCESS =
  /^(?:do \$\$\ndeclare\n {2}v_role text;[\s\S]*?^end \$\$;|(?:grant|revoke|alter default privileges)\b[^;]*;|select auth_gateway\.(?:close_to_public|open_to_application)\(\);)/gm

const accessOf = ({ sql }: Migration) => [...sql.matchAll(ACCESS)].map(([statement]) => statement)

/** Creates the roles that the migrations name, if they are missing: needed before a dump that names them is restored. */
export async function makeRoles(sql: postgres.TransactionSql, migrations: Migration[]): Promise<void> {
  const [roles] = migrations.flatMap(accessOf).filter((statement) => statement.startsWith('do '))
  if (roles) await sql.unsafe(roles).simple()
}

/** Returns whether the application's role can append and read: false after a dump was restored into a server without it. */
async function isOpenToApplication(sql: postgres.TransactionSql): Promise<boolean> {
  const [row] = await sql<{ open: boolean }[]>`
    select coalesce(bool_and(has_schema_privilege(r.oid, n.oid, 'usage')
      and coalesce(has_function_privilege(r.oid, to_regprocedure('auth_gateway.append_events(jsonb, jsonb, jsonb)'), 'execute'), true)
      and coalesce(has_table_privilege(r.oid, to_regclass('auth_gateway.event_store'), 'select'), true)
      and (to_regclass('auth_gateway.event_store') is null or exists (
        select 1 from pg_policy p where p.polrelid = to_regclass('auth_gateway.event_store')))), false) as open
    from pg_namespace n left join pg_roles r on r.rolname = 'auth_gateway_app' where n.nspname = 'auth_gateway'`
  return row?.open ?? false
}

/**
 * Roles belong to the server and not to the database, so a restored database may lack them, and with them every grant and policy. If so,
 * runs all access statements of the applied migrations again.
 * @returns whether anything was missing
 */
export async function repairAccess(sql: postgres.TransactionSql, applied: Migration[]): Promise<boolean> {
  if (await isOpenToApplication(sql)) return false
  for (const migration of applied) for (const statement of accessOf(migration)) await sql.unsafe(statement).simple()
  return true
}
