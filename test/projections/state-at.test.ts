import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StateAt } from '../../shared/domain/state-at.ts'
import type { Gateway } from '../../shared/gateway.ts'
import { stateAt } from '../../shared/operators/operated-state.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createTraffic, testGateway } from './traffic.ts'

let database: TestDatabase
let gateway: Gateway
let owner: postgres.Sql

beforeAll(async () => {
  database = await createTestDatabase()
  gateway = await testGateway(database)
  owner = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
})

afterAll(async () => {
  await Promise.all([gateway?.close(), owner?.end()])
  await database?.drop()
})

/** Who can do what now, by the read models. */
async function readModels(): Promise<{ at: Date; people: StateAt[] }> {
  // Times of events are more exact than those of JavaScript.
  await owner`select pg_sleep(0.01)`
  const iso = (column: string) => owner.unsafe(`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`)
  const client = owner`coalesce((select c.client_id from auth_gateway.api_clients c where c.id = x.client_id), '') as client_id`
  const list = (rows: postgres.Fragment) => owner`(select coalesce(json_agg(row_to_json(y)), '[]') from (${rows}) as y)`
  const rows = await owner<(StateAt & { at: Date })[]>`
    select now() as at, i.uai, i.status, i.role, i.organization_id, i.merged_into,
      ${list(owner`select x.id, x.method, x.amr, x.acr, ${iso('x.started_at')} as started_at, ${iso('x.expires_at')} as expires_at
        from auth_gateway.sessions x where x.uai = any (i.members) and auth_gateway.session_is_live(x) order by x.id`)} as sessions,
      ${list(owner`select x.id, x.kind, ${client}, x.scope as scopes, x.resources, x.actor, ${iso('x.expires_at')} as expires_at
        from auth_gateway.token_families x left join auth_gateway.sessions s on s.id = x.session_id
        where x.uai = any (i.members) and x.revoked_at is null and x.expires_at > now()
          and coalesce(x.refresh_expires_at > now(), true)
          and (x.offline or x.session_id is null or auth_gateway.session_is_live(s))
          and not exists (select from auth_gateway.token_families a where a.id = any (x.ancestors) and a.revoked_at is not null)
        order by x.id`)} as tokens,
      ${list(owner`select x.id, x.preview, x.scopes, x.owner_type as owner, ${iso('x.expires_at')} as expires_at
        from auth_gateway.api_keys x where x.created_by = any (i.members) and x.status = 'active'
          and coalesce(x.expires_at > now(), true) order by x.id`)} as keys,
      ${list(owner`select x.id, ${client}, x.scopes, x.resources, ${iso('x.expires_at')} as expires_at
        from auth_gateway.agent_delegations x where x.uai = any (i.members) and x.ended_at is null and x.expires_at > now()
        order by x.id`)} as agents,
      ${list(owner`select ${client}, x.scopes, x.resources, ${iso('x.granted_at')} as granted_at
        from auth_gateway.consents x where x.uai = any (i.members) and x.withdrawn_at is null order by x.granted_at`)} as consents
    from auth_gateway.identities i order by i.uai`
  const at = rows[0]?.at ?? new Date()
  return { at, people: rows.map(({ at: _, ...person }) => person) }
}

test('who could do what, folded from the log, is what the read models said at the time', async () => {
  const { sweep } = createTraffic(gateway)
  const times: Awaited<ReturnType<typeof readModels>>[] = []
  for (const rounds of [12, 18, 24]) {
    await sweep(rounds)
    times.push(await readModels())
  }
  const counts = (['sessions', 'tokens', 'keys', 'agents', 'consents'] as const).map((name) =>
    times.at(-1)?.people.some((person) => person[name].length > 0),
  )
  expect(counts).toEqual([true, true, true, true, true])
  for (const { at, people } of times) {
    expect(await stateAt(gateway, at)).toEqual(people)
    const [one] = people
    const members = people
      .filter(({ uai, merged_into }) => [uai, merged_into].includes(one?.uai ?? ''))
      .map(({ uai }) => uai)
    const found = await stateAt(gateway, at, members)
    expect(found.find(({ uai }) => uai === one?.uai)).toEqual(one)
  }
}, 60_000)
