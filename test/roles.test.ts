import { globSync, readFileSync } from 'node:fs'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from './support/database.ts'

let database: TestDatabase
let superuser: postgres.Sql
let app: postgres.Sql

beforeAll(async () => {
  database = await createTestDatabase()
  superuser = postgres(database.superuserUrl, { max: 1, onnotice: () => {} })
  app = postgres(database.appUrl, { max: 1, onnotice: () => {} })
})

afterAll(async () => {
  await Promise.all([superuser.end(), app.end()])
  await database.drop()
})

const denied = { code: '42501' }

describe.each(['anon', 'authenticated', 'service_role'])('the Supabase API role %s', (role) => {
  const as = (statement: string) =>
    superuser.begin(async (sql) => {
      await sql.unsafe(`set local role ${role}`)
      await sql.unsafe(statement)
    })

  test('cannot look into the schema', async () => {
    await expect(as('select * from auth_gateway.event_store')).rejects.toMatchObject({
      ...denied,
      message: 'permission denied for schema auth_gateway',
    })
    await expect(as(`select auth_gateway.append_requests('{}')`)).rejects.toMatchObject(denied)
  })
})

describe('the grants of the schema', () => {
  /** Every privilege that is not the owner's, also one that PostgreSQL gives by default: `role: privilege on object`. */
  const grants = async (): Promise<string[]> => {
    const rows = await superuser`
      select format('%s: %s on %s', case when a.grantee = 0 then 'public' else a.grantee::regrole::text end,
        lower(a.privilege_type), o.name) as line
      from (
        select 'schema' as name, n.nspacl as acl, n.nspowner as owner from pg_namespace n where n.oid = 'auth_gateway'::regnamespace
        union all select p.proname, coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner
        from pg_proc p where p.pronamespace = 'auth_gateway'::regnamespace
        union all select c.relname, c.relacl, c.relowner from pg_class c where c.relnamespace = 'auth_gateway'::regnamespace
        union all select c.relname || '.' || t.attname, t.attacl, c.relowner
        from pg_attribute t join pg_class c on c.oid = t.attrelid where c.relnamespace = 'auth_gateway'::regnamespace
      ) o cross join lateral aclexplode(o.acl) a where a.grantee <> o.owner order by 1`
    return rows.map(({ line }) => line)
  }

  test('are all of the application role: no table, function or sequence is open to public or to another role', async () => {
    expect((await grants()).filter((line) => !line.startsWith('auth_gateway_app: '))).toEqual([])
  })

  test('let it read every table and view, and write to none', async () => {
    const rows = await superuser`
      select relname as name from pg_class
      where relnamespace = 'auth_gateway'::regnamespace and relkind in ('r', 'p', 'v', 'm') and not relispartition`
    const expected = ['usage on schema', ...rows.map(({ name }) => `select on ${name}`)]
    const found = (await grants()).map((line) => line.replace('auth_gateway_app: ', ''))
    expect(found.filter((line) => !line.startsWith('execute ')).sort()).toEqual(expected.sort())
  })

  // `npm run events -- verify` can run as the application role too.
  test('let it execute what its statements call, and what those functions call as the caller', async () => {
    const functions = await superuser<{ name: string; source: string; definer: boolean }[]>`
      select proname as name, prosecdef as definer,
        case when prosrc = '' then pg_get_functiondef(oid) else prosrc end as source
      from pg_proc where pronamespace = 'auth_gateway'::regnamespace`
    const views = await superuser<{ source: string }[]>`
      select pg_get_viewdef(oid) as source from pg_class where relnamespace = 'auth_gateway'::regnamespace and relkind = 'v'`
    const calledIn = (source: string) => functions.filter(({ name }) => new RegExp(`\\b${name}\\(`).test(source))
    const statements = globSync(['shared/**/*.ts', 'scripts/lib/verify*.ts']).map(
      (file) =>
        readFileSync(file, 'utf8')
          .match(/auth_gateway\.\w+\(/g)
          ?.join() ?? '',
    )
    const needed = new Set<(typeof functions)[number]>()
    const need = (source: string) => {
      for (const one of calledIn(source)) {
        if (needed.has(one)) continue
        needed.add(one)
        if (!one.definer) need(one.source)
      }
    }
    need([...statements, ...views.map(({ source }) => source)].join())
    const executed = (await grants()).flatMap((line) => /execute on (\w+)/.exec(line)?.[1] ?? [])
    expect(executed).toEqual([...needed].map(({ name }) => name).sort())
  })
})

describe('the application role', () => {
  test('cannot create anything in the schema, nor become the owner', async () => {
    await expect(app`create table auth_gateway.mine (n int)`).rejects.toMatchObject(denied)
    await expect(app`set role auth_gateway_owner`).rejects.toMatchObject(denied)
    await expect(app`alter role auth_gateway_login superuser`).rejects.toMatchObject(denied)
  })

  test('reads and appends', async () => {
    expect(await app`select count(*) > 0 as seeded from auth_gateway.api_clients`).toEqual([{ seeded: true }])
    expect(await app`select has_function_privilege('auth_gateway.append_requests(text)', 'execute') as may`).toEqual([
      { may: true },
    ])
  })
})
