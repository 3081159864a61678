import { clientInformation } from '../../shared/oauth/clients/dynamic-registration.ts'
import type { Client } from '../../shared/queries/api-clients.ts'
import { table } from './terminal.ts'

/** Returns a client's registration with what only operators see. */
export function operatorInformation(client: Client, secret?: string) {
  return {
    ...clientInformation(client, secret),
    status: client.status,
    first_party: client.first_party,
    account_access: client.account_access,
    origin: client.origin,
    secrets: client.secrets.length,
  }
}

/** Returns the same as text. */
export function clientText(client: Client, secret?: string): string {
  const { client_secret, client_secret_expires_at, ...information } = operatorInformation(client, secret)
  const shown = (value: unknown) =>
    Array.isArray(value) ? value.join('\n') : typeof value === 'object' ? JSON.stringify(value) : String(value)
  const rows = Object.entries(information).flatMap(([name, value]) =>
    shown(value)
      .split('\n')
      .map((line, n) => [n === 0 ? name : '', line]),
  )
  const lines = rows.map(([name = '', line]) => `${name.padEnd(28)}${line}`.trimEnd())
  if (client_secret !== undefined)
    lines.push('', `client_secret               ${client_secret}`, 'Shown only once: save it now.')
  return lines.join('\n')
}

export function clientTable(clients: Client[]): string {
  return table(
    clients.map(({ client_id, status, first_party, origin, metadata }) => ({
      client_id,
      name: metadata.client_name,
      type: metadata.application_type,
      authentication: metadata.token_endpoint_auth_method,
      party: first_party ? 'first' : 'third',
      origin,
      status,
    })),
  )
}
