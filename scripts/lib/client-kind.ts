import type { ClientMetadata } from '../../shared/domain/api-client.ts'
import { DEVICE_CODE } from '../../shared/oauth/clients/grant-types.ts'
import { UsageError } from './terminal.ts'

type Kind = { meaning: string; metadata: Partial<ClientMetadata> }

/** Kinds of clients and their metadata, which single flags override. */
const KINDS: Record<string, Kind> = {
  web: {
    meaning: 'a confidential web client: its server has a secret',
    metadata: { application_type: 'web', token_endpoint_auth_method: 'client_secret_basic' },
  },
  spa: {
    meaning: 'a public browser client: it has no secret and uses PKCE',
    metadata: { application_type: 'web', token_endpoint_auth_method: 'none' },
  },
  native: {
    meaning: 'a public native client: it has no secret and uses PKCE',
    metadata: { application_type: 'native', token_endpoint_auth_method: 'none' },
  },
  device: {
    meaning: 'a public device client: its user signs in on another device',
    metadata: {
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: [DEVICE_CODE, 'refresh_token'],
    },
  },
  service: {
    meaning: 'a service: it gets tokens in its own name, without a user',
    metadata: {
      application_type: 'web',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'],
    },
  },
}

export const CLIENT_KINDS = Object.keys(KINDS).join('|')

/**
 * Returns the metadata of a `--type`; none without it.
 * @throws UsageError for an unknown type
 */
export function metadataOfType(type: string | undefined): Partial<ClientMetadata> {
  if (type === undefined) return {}
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined
  if (!kind) throw new UsageError(`--type takes ${CLIENT_KINDS.replaceAll('|', ', ')}`)
  return kind.metadata
}

function kindOf({ grant_types, application_type, token_endpoint_auth_method }: ClientMetadata): string {
  const isPublic = token_endpoint_auth_method === 'none'
  if (!grant_types.includes('authorization_code')) return isPublic ? 'device' : 'service'
  if (!isPublic) return 'web'
  return application_type === 'native' ? 'native' : 'spa'
}

/** Describes a new client in one or two sentences: its kind, and why it has that kind if no flag said so. */
export function describeNewClient(metadata: ClientMetadata, given: Record<string, unknown>): string {
  const kind = kindOf(metadata)
  const added = `Added ${KINDS[kind]?.meaning}.`
  if (given.token_endpoint_auth_method !== undefined) return added
  const why =
    metadata.application_type === 'native'
      ? 'every redirect URI leads to the user’s own machine'
      : 'it is reached at a website or has no redirect URI'
  return `${added} No --type or --auth-method was given, and ${why}.`
}
