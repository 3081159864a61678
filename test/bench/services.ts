import { uuidv7 } from 'uuidv7'
import { createCall } from '../../shared/call.ts'
import { loadConfig } from '../../shared/config.ts'
import { apiClient, registerClient } from '../../shared/domain/api-client.ts'
import { commit } from '../../shared/events/commit.ts'
import { openGateway } from '../../shared/gateway.ts'
import { hashToken } from '../../shared/tokens/opaque.ts'
import type { BenchDatabase } from './database.ts'
import type { Scenario } from './measure.ts'
import { form } from './people.ts'

/** Credentials of the service. */
export const SERVICE = { client_id: 'bench-service', client_secret: 'a secret of the bench' }

/** Registers the service whose tokens are measured. */
export async function registerService({ appUrl }: Pick<BenchDatabase, 'appUrl'>): Promise<void> {
  const { gateway } = await openGateway(loadConfig({ NODE_ENV: 'test', DATABASE_URL: appUrl }))
  await commit(createCall(gateway), async (work) => {
    work.start(apiClient, uuidv7(), {}).decide(() =>
      registerClient({
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
      }),
    )
  })
  await gateway.close()
}

const body = new URLSearchParams({ grant_type: 'client_credentials', ...SERVICE }).toString()

/** A service asks for a token of its own, again and again. */
export const clientCredentialsScenario: Scenario = {
  name: 'client_credentials',
  expect: 200,
  next: () => ({ method: 'POST', path: '/oauth/token', headers: form, body }),
}
