import postgres from 'postgres'
import { apiClient, registerClient } from '../../shared/domain/api-client.ts'
import { createEventStore } from '../../shared/events/store.ts'
import { newId } from '../../shared/ids.ts'
import { hashToken } from '../../shared/tokens/opaque.ts'
import type { BenchDatabase } from './database.ts'
import type { Scenario } from './measure.ts'
import { form } from './people.ts'

/** Credentials of the service. */
export const SERVICE = { client_id: 'bench-service', client_secret: 'a secret of the bench' }

/**
 * Registers the service whose tokens are measured. Only writes the event: a gateway would keep keys in the database under its own
 * master secret, and the measured server has another.
 */
export async function registerService({ appUrl }: Pick<BenchDatabase, 'appUrl'>): Promise<void> {
  const sql = postgres(appUrl, { max: 1 })
  const { events } = registerClient({
    clientId: SERVICE.client_id,
    firstParty: true,
    origin: 'operator',
    secretHash: hashToken(SERVICE.client_secret),
    metadata: {
      client_name: 'Bench',
      application_type: 'web',
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      scope: 'memories:read',
      default_scope: 'memories:read',
    },
  })
  const about = { schema_version: 1, metadata: { requestId: newId(), actorType: 'operator' } }
  await createEventStore(sql, sql, 1).append([
    {
      stream_type: apiClient.type,
      stream_id: newId(),
      expected_version: 0,
      events: events.map(({ type, data }) => ({ event_id: newId(), event_type: type, data, ...about })),
    },
  ])
  await sql.end()
}

const body = new URLSearchParams({ grant_type: 'client_credentials', ...SERVICE }).toString()

/** A service asks for a token of its own, again and again. */
export const clientCredentialsScenario: Scenario = {
  name: 'client_credentials',
  expect: 200,
  next: () => ({ method: 'POST', path: '/oauth/token', headers: form, body }),
}
