import type { Named } from '../domain/names.ts'
import { GatewayError, type Refusal } from '../errors.ts'
import type { Gateway } from '../gateway.ts'
import { findName } from '../queries/names.ts'

/** The errors for a name that is taken and for a place that is full, and how many things a place holds. */
const RULES: Record<Named, { taken: Refusal; full: Refusal; most: number }> = {
  'api-key': { taken: 'key_exists', full: 'too_many_keys', most: 1000 },
  project: { taken: 'project_conflict', full: 'too_many_projects', most: 100 },
  'stored-key': { taken: 'key_conflict', full: 'too_many_keys', most: 500 },
}

/**
 * Requires that a place has no other thing with a name, and has room if the thing is new.
 * @param own the id of a thing that is renamed
 * @throws GatewayError key_exists, project_conflict, key_conflict, too_many_keys, too_many_projects
 */
export async function requireUniqueName(
  { reads, personal }: Gateway,
  named: { kind: Named; place: string; name: string },
  own?: string,
): Promise<void> {
  const { taken, full, most } = RULES[named.kind]
  const found = await findName(reads, personal, named)
  if (found.taken && found.taken !== own) throw new GatewayError(taken)
  if (own === undefined && found.count >= most) throw new GatewayError(full)
}
