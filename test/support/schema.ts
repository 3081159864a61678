import postgres from 'postgres'

/** One statement per query; monthly partitions are left out, since their names follow the date. */
const STATEMENTS = [
  `select 'grant ' || string_agg(lower(a.privilege_type), ', ' order by a.privilege_type) || ' on schema ' || n.nspname
     || ' to ' || a.grantee::regrole || ';' as line
   from pg_namespace n cross join lateral aclexplode(n.nspacl) a
   where n.nspname = 'auth_gateway' and a.grantee <> n.nspowner group by n.nspname, a.grantee`,
  `select format('create sequence %s;', c.oid::regclass) as line from pg_class c where c.relkind = 'S' and ours(c) order by c.relname`,
  `select format('create table %s', c.oid::regclass) || case
     when c.relispartition then format(' partition of %s %s', (select i.inhparent::regclass from pg_inherits i where i.inhrelid = c.oid),
       pg_get_expr(c.relpartbound, c.oid))
     else format(E' (\n  %s\n)', (
       select string_agg(x.line, E',\n  ' order by x.rank, x.line) from (
         select a.attnum as rank, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
           'default ' || pg_get_expr(d.adbin, d.adrelid)) as line
         from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         union all
         select 10000, format('constraint %s %s', k.conname, pg_get_constraintdef(k.oid))
         from pg_constraint k where k.conrelid = c.oid and k.contype <> 'n') x)) end
     || coalesce(' partition by ' || pg_get_partkeydef(c.oid), '') || ';' || concat(
     (select string_agg(format(E'\n%s;', pg_get_indexdef(i.indexrelid)), '' order by i.indexrelid::regclass::text)
      from pg_index i join pg_class x on x.oid = i.indexrelid
      where i.indrelid = c.oid and not x.relispartition and not exists (select from pg_constraint k where k.conindid = i.indexrelid)),
     (select string_agg(format(E'\n%s;', pg_get_triggerdef(t.oid)), '' order by t.tgname)
      from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal and t.tgparentid = 0),
     case when c.relrowsecurity then format(E'\nalter table %s enable row level security;', c.oid::regclass) end,
     (select string_agg(format(E'\ncreate policy %s on %s for %s to %s using (%s);', p.polname, c.oid::regclass, p.polcmd,
        array_to_string(p.polroles::regrole[], ', '), pg_get_expr(p.polqual, c.oid)), '' order by p.polname)
      from pg_policy p where p.polrelid = c.oid),
     grants('table', c.oid::regclass::text, c.relacl, c.relowner)) as line
   from pg_class c where c.relkind in ('r', 'p') and ours(c) order by c.relname`,
  `select format(E'create view %s with (%s) as\n%s', c.oid::regclass, array_to_string(c.reloptions, ', '), pg_get_viewdef(c.oid))
     || grants('table', c.oid::regclass::text, c.relacl, c.relowner) as line
   from pg_class c where c.relkind = 'v' and ours(c) order by c.relname`,
  `select rtrim(pg_get_functiondef(p.oid), E'\n') || ';' || grants('function', p.oid::regprocedure::text, p.proacl, p.proowner) as line
   from pg_proc p where p.pronamespace = 'auth_gateway'::regnamespace order by p.oid::regprocedure::text`,
]

const HELPERS = `
  create function pg_temp.ours(c pg_class) returns boolean language sql return c.relnamespace = 'auth_gateway'::regnamespace
    and c.relname !~ '^event_store_\\d{4}_\\d\\d$';
  create function pg_temp.grants(kind text, name text, acl aclitem[], owner oid) returns text language sql as $$
    select coalesce(string_agg(format(E'\\ngrant %s on %s %s to %s;', x.privileges, kind, name, x.grantee), '' order by x.grantee), '')
    from (
      select string_agg(lower(a.privilege_type), ', ' order by a.privilege_type) as privileges,
        case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as grantee
      from aclexplode(coalesce(acl, acldefault(case kind when 'function' then 'f' else 'r' end::"char", owner))) a
      where a.grantee <> owner group by a.grantee) x $$`

/** Returns the schema of a migrated database as SQL in order of name: tables, views, functions, and who may use them. */
export async function schemaOf(url: string): Promise<string> {
  const sql = postgres(url, { max: 1, prepare: false, onnotice: () => {} })
  try {
    await sql.unsafe(`set search_path = pg_catalog, pg_temp; ${HELPERS}`).simple()
    const lines: string[] = []
    for (const statement of STATEMENTS) {
      const rows = await sql.unsafe(statement.replaceAll(/\b(ours|grants)\(/g, 'pg_temp.$1('))
      lines.push(...rows.map(({ line }) => line))
    }
    return `${lines.join('\n\n')}\n`
  } finally {
    await sql.end()
  }
}
