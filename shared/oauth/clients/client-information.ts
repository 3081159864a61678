import type { Client } from '../../queries/api-clients.ts'

/** A client as RFC 7591 section 3.2.1 has it. The secret is known only when it was just made. */
export function clientInformation(client: Pick<Client, 'client_id' | 'created_at' | 'metadata'>, secret?: string) {
  return {
    client_id: client.client_id,
    client_id_issued_at: Math.floor(new Date(client.created_at).getTime() / 1000),
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    ...client.metadata,
  }
}
