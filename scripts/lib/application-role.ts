import type postgres from 'postgres'
import type { TlsSettings } from '../../shared/database-tls.ts'
import { openConnection } from './gateway-database.ts'
import type { Migration } from './migration-files.ts'
import { scramVerifier } from './scram.ts'

const GROUP = 'auth_gateway_app'
const SETTINGS = { statement_timeout: '10s', idle_in_transaction_session_timeout: '15s' }

interface Role {
  rolsuper: boolean
  rolbypassrls: boolean
  rolconfig: string[] | null
  member: boolean
}

interface ApplicationRoleOptions {
  /** Connection of the owner. */
  url: string
  /** Connection of the running gateway; the role gets its user name and password. */
  applicationUrl: string
  tls: TlsSettings
  log: (line: string) => void
}

/**
 * Makes sure that the login role of the running gateway exists, has its password, belongs to `auth_gateway_app` and has
 * time limits. Limits that an operator set are kept. Does nothing when the gateway connects as the owner.
 */
export async function ensureApplicationRole(
  sql: postgres.TransactionSql,
  options: ApplicationRoleOptions,
): Promise<void> {
  const { url, applicationUrl, tls, log } = options
  const role = roleOf(applicationUrl)
  if (role === roleOf(url))
    return log(`DATABASE_URL connects as ${role}, the owner: give the gateway a role of its own`)
  const password = decodeURIComponent(new URL(applicationUrl).password)
  let found = await readRole(sql, role)
  if (!found) {
    await sql`create role ${sql(role)} login`
    log(`created the login role ${role}`)
    found = { rolsuper: false, rolbypassrls: false, rolconfig: null, member: false }
  }
  if (found.rolsuper || found.rolbypassrls) log(`the role ${role} bypasses row-level security: use another one`)
  if (!found.member) await sql`grant ${sql(GROUP)} to ${sql(role)}`
  if (password && !(await canLogIn(url, applicationUrl, tls))) {
    await sql.unsafe(`alter role ${quoted(role)} login password '${scramVerifier(password)}'`)
    log(`set the password of ${role}`)
  }
  for (const [name, value] of Object.entries(SETTINGS)) {
    if (found.rolconfig?.some((setting) => setting.startsWith(`${name}=`))) continue
    await sql.unsafe(`alter role ${quoted(role)} set ${name} = '${value}'`)
  }
}

// Supabase's pooler expects the user name "role.project".
function roleOf(url: string): string {
  const { username, hostname } = new URL(url)
  const name = decodeURIComponent(username)
  return hostname.endsWith('.pooler.supabase.com') ? name.replace(/\.[^.]*$/, '') : name
}

async function readRole(sql: postgres.TransactionSql, role: string): Promise<Role | undefined> {
  const [row] = await sql<Role[]>`
    select rolsuper, rolbypassrls, rolconfig, pg_has_role(oid, ${GROUP}, 'member') as member
    from pg_roles where rolname = ${role}`
  return row
}

// Connects to the owner's host, which is known to work, so that a failure means a wrong password.
async function canLogIn(url: string, applicationUrl: string, tls: TlsSettings): Promise<boolean> {
  const attempt = new URL(url)
  const project = decodeURIComponent(attempt.username).slice(roleOf(url).length)
  attempt.username = encodeURIComponent(roleOf(applicationUrl) + project)
  attempt.password = new URL(applicationUrl).password
  const probe = openConnection(attempt.href, tls, { connect_timeout: 5 })
  try {
    await probe`select 1`
    return true
  } catch {
    return false
  } finally {
    await probe.end({ timeout: 1 })
  }
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

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
      and coalesce(has_function_privilege(r.oid, to_regprocedure('auth_gateway.append_requests(text)'), 'execute'), true)
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
