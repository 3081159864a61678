import { randomBytes } from 'node:crypto'
import type { Scenario } from './measure.ts'
import { json, newCaller, type SignedInPerson } from './people.ts'

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

/** Presents the keys in turn. */
export function keyScenario(name: string, path: string, keys: string[]): Scenario {
  let next = 0
  return {
    name,
    expect: 200,
    next: () => ({ method: 'POST', path, headers: { 'x-api-key': keys[next++ % keys.length] ?? '' } }),
  }
}
