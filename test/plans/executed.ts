import { open, stat } from 'node:fs/promises'
import type postgres from 'postgres'
import type { TestDatabase } from '../support/database.ts'

export type PlanNode = { 'Node Type': string; 'Relation Name'?: string; Plans?: PlanNode[] }

/** The tables that a plan reads whole. */
export const scannedTables = (node: PlanNode): string[] => [
  ...(node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : []),
  ...(node.Plans ?? []).flatMap(scannedTables),
]

/** Lets the server log the plan of each statement that a new connection to the database executes, also within functions. */
export async function logPlans(sql: postgres.Sql, { name }: TestDatabase): Promise<void> {
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_format': 'json',
  }
  for (const [setting, value] of Object.entries(settings))
    await sql.unsafe(`alter database ${name} set ${setting} = '${value}'`)
}

/** The statements executed during `run`, with their plans. */
export async function executedDuring(
  sql: postgres.Sql,
  { name }: TestDatabase,
  run: () => Promise<unknown>,
): Promise<{ text: string; plan: PlanNode }[]> {
  const [settings] = await sql<{ data_directory: string }[]>`show data_directory`
  const path = `${settings?.data_directory}/server.log`
  const { size } = await stat(path)
  await run()
  const file = await open(path)
  const bytes = Buffer.alloc((await file.stat()).size - size)
  await file.read(bytes, 0, bytes.length, size)
  await file.close()
  // Each line begins with the name of its database, but for further lines of a message, which are indented.
  return bytes
    .toString('utf8')
    .split(/\n(?!\t)/)
    .filter((message) => message.startsWith(`${name} LOG:`) && message.includes(' plan:\n'))
    .map((message) => JSON.parse(message.slice(message.indexOf('{')).replaceAll('\n\t', '\n')))
    .map((logged) => ({ text: logged['Query Text'], plan: logged.Plan }))
}

/** Not called: they read whole tables, or need what only a command of an operator prepares. */
const FOR_OWNER = ['rebuild_model', 'delete_archived_month', 'delete_batch', 'forget_erased', 'replace_key_root']

/** Calls every function of the schema once, and takes back what it did. Traffic calls those that append and project. */
export async function callFunctions(sql: postgres.Sql): Promise<void> {
  const functions = await sql<{ name: string; types: string[] }[]>`
    select p.proname as name, array(
      select format_type(t, null) from unnest(p.proargtypes) with ordinality as u(t, n) order by n) as types
    from pg_proc p join pg_language l on l.oid = p.prolang
    where p.pronamespace = 'auth_gateway'::regnamespace and l.lanname in ('sql', 'plpgsql') and p.prorettype <> 'trigger'::regtype
      and p.proname !~ '^(project_|append_)' and p.proname <> all (${FOR_OWNER})`
  const [{ id }] =
    (await sql`select stream_id as id from auth_gateway.stream_heads order by stream_type, stream_id limit 1`) as [
      { id: string },
    ]
  const samples: Record<string, string> = {
    uuid: `'${id}'`,
    'uuid[]': `'{${id}}'`,
    bytea: `'\\x01'`,
    jsonb: `'[]'`,
    text: `'x'`,
    'timestamp with time zone': 'now()',
    integer: '1',
    bigint: '1',
  }
  for (const { name, types } of functions) {
    const given = types.map((type) => `${samples[type] ?? 'null'}::${type}`)
    const undo = new Error('as it was before')
    await sql
      .begin(async (tx) => {
        await tx.unsafe(`select auth_gateway.${name}(${given})`)
        throw undo
      })
      // What it executed until it refused is in the log.
      .catch((error) => error)
  }
}
