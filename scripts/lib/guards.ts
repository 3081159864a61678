import type postgres from 'postgres'

type AnySql = postgres.ISql<Record<never, never>>

/** A trigger that is missing or disabled on a table, or a setting that disables them all. */
type Unguarded = { relation: string; guard: string }

/** Lists the triggers that keep the log append-only and project it, but do not fire. */
export function listUnguarded(sql: AnySql): Promise<Unguarded[]> {
  return sql<Unguarded[]>`
    select p.relid::regclass::text as relation, g.name as guard
    from pg_partition_tree('auth_gateway.event_store') p
    cross join (values ('append_only_rows', 'auth_gateway.refuse_change()'::regprocedure),
      ('append_only_table', 'auth_gateway.refuse_change()'), ('project_event', 'auth_gateway.project_event()')) as g(name, function)
    where (g.name <> 'project_event' or p.isleaf or p.level = 0) and not exists (
      select 1 from pg_trigger t
      where t.tgrelid = p.relid and t.tgname = g.name and t.tgfoid = g.function and t.tgenabled in ('O', 'A'))
    union all
    select concat_ws(' as ', coalesce(d.datname, 'every database'), r.rolname), 'session_replication_role'
    from pg_db_role_setting s left join pg_database d on d.oid = s.setdatabase left join pg_roles r on r.oid = s.setrole
    where (s.setdatabase = 0 or d.datname = current_database()) and 'session_replication_role=replica' = any (s.setconfig)
    order by 1, 2`
}

/** The privileges of a role that is neither the owner nor the gateway. */
type ForeignGrant = {
  role: string
  privileges: string[]
  /** Number of tables, functions and the like, and one of them. */
  objects: number
  example: string
  /** A role of the Supabase API, `public`, or more than reading: never intended. */
  severe: boolean
}

/** Lists privileges of roles other than the owner and `auth_gateway_app` on the schema and its objects. */
export function listForeignGrants(sql: AnySql): Promise<ForeignGrant[]> {
  return sql<ForeignGrant[]>`
    with schema as (select oid, nspowner, nspacl from pg_namespace where nspname = 'auth_gateway'),
    granted(acl, owner, object) as (
      select s.nspacl, s.nspowner, 'the schema' from schema s
      union all
      select c.relacl, c.relowner, c.relname from pg_class c join schema s on s.oid = c.relnamespace
      union all
      select a.attacl, c.relowner, c.relname || '.' || a.attname
      from pg_attribute a join pg_class c on c.oid = a.attrelid join schema s on s.oid = c.relnamespace
      union all
      select coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner, p.proname || '()'
      from pg_proc p join schema s on s.oid = p.pronamespace
      union all
      select d.defaclacl, d.defaclrole, 'future objects' from pg_default_acl d join schema s on s.oid = d.defaclnamespace),
    foreign_grant(role, privilege, object) as (
      select case when x.grantee = 0 then 'public' else pg_get_userbyid(x.grantee)::text end, lower(x.privilege_type), g.object
      from granted g cross join schema s cross join lateral aclexplode(g.acl) x
      where x.grantee not in (g.owner, s.nspowner) and x.grantee <> coalesce(to_regrole('auth_gateway_app'), 0)
      union all
      select pg_get_userbyid(m.member), 'member', pg_get_userbyid(m.roleid)
      from pg_auth_members m cross join schema s
      where m.roleid in (s.nspowner, to_regrole('auth_gateway_app'))
        and pg_get_userbyid(m.member) in ('anon', 'authenticated', 'service_role'))
    select role, array_agg(distinct privilege order by privilege) as privileges, count(distinct object)::int as objects,
      min(object) as example,
      role in ('public', 'anon', 'authenticated', 'service_role') or bool_or(privilege not in ('usage', 'select')) as severe
    from foreign_grant group by role order by role`
}

/** Describes a grant. */
export const grantText = ({ role, privileges, objects, example }: ForeignGrant) =>
  `${role}: ${privileges.join(', ')} on ${example}${objects > 1 ? ` and ${objects - 1} more` : ''}`
