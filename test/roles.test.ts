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
    await expect(as(`select auth_gateway.append_events('[]')`)).rejects.toMatchObject(denied)
  })

  test('has no privilege on any table, sequence or function in it', async () => {
    const rows = await superuser`
      select c.relname as name from pg_class c where c.relnamespace = 'auth_gateway'::regnamespace
        and c.relkind in ('r', 'p', 'v', 'm')
        and has_table_privilege(${role}, c.oid, 'select, insert, update, delete, truncate, references, trigger')
      union all
      select c.relname from pg_class c where c.relnamespace = 'auth_gateway'::regnamespace
        and case when c.relkind = 'S' then has_sequence_privilege(${role}, c.oid, 'usage, select, update') end
      union all
      select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'auth_gateway'::regnamespace
        and has_function_privilege(${role}, p.oid, 'execute')`
    expect(rows.map((row) => row.name)).toEqual([])
  })
})

describe('the application role', () => {
  test('executes only functions that a migration granted by name', async () => {
    const rows = await superuser`
      select p.proname as name from pg_proc p
      where p.pronamespace = 'auth_gateway'::regnamespace and has_function_privilege('auth_gateway_app', p.oid, 'execute')
        and not exists (select 1 from aclexplode(p.proacl) a where a.grantee = 'auth_gateway_app'::regrole)`
    expect(rows.map((row) => row.name)).toEqual([])
  })

  test('writes to no table and no sequence directly', async () => {
    const rows = await superuser`
      select c.relname as name from pg_class c where c.relnamespace = 'auth_gateway'::regnamespace
        and c.relkind in ('r', 'p', 'v', 'm')
        and has_table_privilege('auth_gateway_app', c.oid, 'insert, update, delete, truncate, references, trigger')
      union all
      select c.relname from pg_class c where c.relnamespace = 'auth_gateway'::regnamespace
        and case when c.relkind = 'S' then has_sequence_privilege('auth_gateway_app', c.oid, 'usage, update') end`
    expect(rows.map((row) => row.name)).toEqual([])
  })

  test('cannot create anything in the schema, nor become the owner', async () => {
    await expect(app`create table auth_gateway.mine (n int)`).rejects.toMatchObject(denied)
    await expect(app`set role auth_gateway_owner`).rejects.toMatchObject(denied)
    await expect(app`alter role auth_gateway_login superuser`).rejects.toMatchObject(denied)
  })

  test('reads and appends', async () => {
    expect(await app`select count(*) > 0 as seeded from auth_gateway.api_clients`).toEqual([{ seeded: true }])
    expect(
      await app`select has_function_privilege('auth_gateway.append_events(jsonb, jsonb, jsonb)', 'execute') as may`,
    ).toEqual([{ may: true }])
  })
})
