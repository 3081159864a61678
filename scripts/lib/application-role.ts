import type postgres from 'postgres'
import type { TlsSettings } from '../../shared/database-tls.ts'
import { openConnection } from './gateway-database.ts'
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
