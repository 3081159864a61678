import { createCall } from '../call.ts'
import type { Gateway } from '../gateway.ts'
import { log } from '../log.ts'
import { listUnsent } from '../queries/messages.ts'
import { openBytes } from '../tokens/sealed.ts'
import type { DeliveryMessage } from './deliver.ts'
import { sendMessage } from './send-message.ts'

const BATCH = 50

/**
 * Sends queued messages that were not sent because the provider was down or the process ended. Works in batches; each message keeps
 * its id, so that it is sent at most once. Returns how many were accepted.
 */
export async function sendUnsent(gateway: Gateway): Promise<number> {
  const { reads, personal } = gateway
  let taken = 0
  for (const { id, uai, wrappedKey, sealed } of await listUnsent(reads, BATCH)) {
    const kept = openBytes(personal.unwrap(uai, wrappedKey), sealed, id).toString()
    const outgoing = { ...(JSON.parse(kept) as DeliveryMessage), uai }
    const result = await sendMessage(createCall(gateway), outgoing)
    if (result.status === 'accepted') taken += 1
    else log.warn('a message was not sent', { reason: result.reason, message: id })
  }
  return taken
}
