import { createHash, randomBytes } from 'node:crypto'
import type { BenchDatabase } from './database.ts'
import { json, newCaller, type SignedInPerson } from './people.ts'
import type { Scenario } from './scenarios.ts'

/** Creates keys through the API, one for each person; their secrets. */
export async function createKeys(url: string, people: SignedInPerson[], settings: object): Promise<string[]> {
  const keys: string[] = []
  for (const { accessToken } of people) {
    const response = await fetch(`${url}/api/v1/api-keys`, {
      method: 'POST',
      headers: { ...json, ...newCaller(), authorization: `Bearer ${accessToken}` },
      body: JSON.stringify({ name: randomBytes(6).toString('hex'), ...settings }),
    })
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
    const { data } = (await response.json()) as { data: { key: string } }
    keys.push(data.key)
  }
  return keys
}

/** Fills the table up with other keys, which nobody presents. */
export async function fillKeys({ sql }: BenchDatabase, total: number): Promise<void> {
  const [row] = await sql`select count(*)::int as n from auth_gateway.api_keys`
  const missing = total - (row?.n ?? 0)
  if (missing <= 0) return
  const salt = createHash('sha256').update(randomBytes(16)).digest('hex')
  await sql`
    with made as (
      insert into auth_gateway.api_keys (id, owner_type, owner_id, organization_id, created_by, origin, status, preview, scopes,
        access_level, service, service_scopes, created_at, version)
      select gen_random_uuid(), 'person', o, o, o, 'owner', 'active', 'lano_xxxx…xxxx', '{memories:read}', 'authenticated', 'all', '[]',
        now(), 1
      from (select gen_random_uuid() as o from generate_series(1, ${missing}::int)) as owners
      returning id
    )
    insert into auth_gateway.api_key_secrets (hash, key_id)
    select encode(sha256(convert_to(${salt} || id::text, 'UTF8')), 'hex'), id from made`
  await sql`vacuum analyze auth_gateway.api_keys`
  await sql`vacuum analyze auth_gateway.api_key_secrets`
}

/** Presents the keys in turn. */
export function keyScenario(name: string, path: string, keys: string[]): Scenario {
  let next = 0
  return {
    name,
    expect: 200,
    request: {
      method: 'POST',
      path,
      setupRequest: (request) => ({ ...request, headers: { 'x-api-key': keys[next++ % keys.length] ?? '' } }),
    },
  }
}
