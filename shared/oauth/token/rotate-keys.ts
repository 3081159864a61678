import type { Actor } from '../../events/types.ts'
import type { Gateway } from '../../gateway.ts'
import { listClients } from '../../queries/api-clients.ts'
import { KEY_SET_SECONDS } from '../../tokens/keys.ts'

/** From publication to first use, so that every cache of the key set has seen a key by then. */
export const OVERLAP_SECONDS = 2 * KEY_SET_SECONDS
const DAY_MILLISECONDS = 86_400_000

/** The longest life that any token may have, seconds. */
async function longestTokenSeconds({ reads, config }: Gateway): Promise<number> {
  const clients = await listClients(reads)
  return Math.max(config.ACCESS_TOKEN_SECONDS, ...clients.map(({ metadata }) => metadata.access_token_seconds ?? 0))
}

/** Gives every algorithm a new signing key, at once or, with `olderThan`, where the newest is that old. */
export async function rotateKeys(
  gateway: Gateway,
  actor: Actor,
  overlap = OVERLAP_SECONDS,
  olderThan?: Date,
): Promise<number> {
  return gateway.keys.rotate(actor, overlap, await longestTokenSeconds(gateway), olderThan)
}

/** Rotates signing keys that are older than SIGNING_KEY_DAYS; answers how many. */
export async function rotateOldKeys(gateway: Gateway): Promise<number> {
  const days = gateway.config.SIGNING_KEY_DAYS
  if (days === 0) return 0
  return rotateKeys(
    gateway,
    { type: 'system', id: 'maintenance' },
    OVERLAP_SECONDS,
    new Date(gateway.now().getTime() - days * DAY_MILLISECONDS),
  )
}
