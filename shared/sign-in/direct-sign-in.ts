import { unnamedResources } from '../access/resource.ts'
import type { Work } from '../events/commit.ts'
import type { Gateway } from '../gateway.ts'
import { SESSION_SCOPE } from '../oauth/scope.ts'
import { type StartedFamily, startTokenFamily } from '../oauth/token/token-family.ts'
import type { Client } from '../queries/api-clients.ts'
import type { Person } from '../queries/person.ts'
import type { StartedSession } from './start-session.ts'

const CLIENT_OF_PLATFORM: Record<string, string> = {
  cli: 'lanonasis-cli',
  web: 'lanonasis-api-dashboard',
  api: 'lanonasis-api-dashboard',
  mcp: 'lanonasis-mcp-cli',
}

export const PLATFORMS = ['cli', 'web', 'api', 'mcp'] as const

/** The first-party client that a sign-in without a client is for. */
export function clientOfPlatform(platform: string): string {
  return CLIENT_OF_PLATFORM[platform] ?? 'lanonasis-cli'
}

/** The token pair of a direct sign-in: it lives and dies with its session. */
export function startPair(
  gateway: Gateway,
  work: Work,
  signedIn: { person: Person; session: StartedSession; client: Client; resources: string[]; now: Date },
): StartedFamily {
  const { person, session, client, now } = signedIn
  const resources = unnamedResources(gateway.issuer, client, signedIn.resources)
  return startTokenFamily(
    gateway,
    work,
    { kind: 'session', client, person, session, scope: SESSION_SCOPE, resources },
    { offline: false, now },
  )
}

/** What clients know of a person (wire-contract 1.4). */
export function userOf(person: Person, projectScope: string) {
  return { id: person.alias ?? person.uai, email: person.email, role: person.role, project_scope: projectScope }
}
