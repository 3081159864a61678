import { createCall } from '../../call.ts'
import { apiClient, deleteClient } from '../../domain/api-client.ts'
import { commit } from '../../events/commit.ts'
import type { Gateway } from '../../gateway.ts'
import { listUnusedClients } from '../../queries/api-clients.ts'

const BATCH = 200

/** Deletes a batch of unused self-registered clients. Returns how many. */
export async function deleteUnusedClients(gateway: Gateway): Promise<number> {
  const unused = await listUnusedClients(gateway.reads, BATCH)
  for (const { id } of unused)
    await commit(createCall(gateway), async (work) => {
      work.actor = { type: 'system', id: 'maintenance' }
      const stream = await work.load(apiClient, id, {})
      stream.decide((state) => deleteClient(state, 'unused'))
    })
  return unused.length
}
