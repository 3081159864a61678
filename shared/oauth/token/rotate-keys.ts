import type { Actor } from '../../events/types.ts'
import type { Gateway } from '../../gateway.ts'
import { listClients } from '../../queries/api-clients.ts'
import { KEY_SET_SECONDS } from '../../tokens/keys.ts'

/** Seconds from publication to first use, so that every cache of the key set has a key by then. */
export const OVERLAP_SECONDS = 2 * KEY_SET_SECONDS
const DAY_MILLISECONDS = 86_400_000

/** The longest token lifetime, in seconds. */
async function longestTokenSeconds({ reads, config }: Gateway): Promise<number> {
  const clients = await listClients(reads)
  return Math.max(config.ACCESS_TOKEN_SECONDS, ...clients.map(({ metadata }) => metadata.access_token_seconds ?? 0))
}

/** Creates a signing key for every algorithm; with `olderThan`, only where the newest key is that old. */
export async function rotateKeys(
  gateway: Gateway,
  actor: Actor,
  overlap = OVERLAP_SECONDS,
  olderThan?: Date,
): Promise<number> {
  return gateway.keys.rotate(actor, overlap, await longestTokenSeconds(gateway), olderThan)
}

/** Rotates signing keys that are older than SIGNING_KEY_DAYS. Returns how many. */
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
