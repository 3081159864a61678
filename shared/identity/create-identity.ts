import { uuidv7 } from 'uuidv7'
import { type Credential, create, identity } from '../domain/identity.ts'
import { createPersonal, organization } from '../domain/organization.ts'
import type { Work } from '../events/commit.ts'
import type { Person } from '../queries/person.ts'

/** A new person, with what proved them and an organization of their own. */
export function createIdentity(
  work: Work,
  input: { uai: string; credentials: Credential[]; name?: string; locale?: string; now: Date },
): Person {
  const { uai, credentials, name, locale, now } = input
  const organizationId = uuidv7()
  work.start(identity, uai, { subject: uai }).decide(() => create({ organizationId, credentials, name, locale }))
  work.start(organization, organizationId, { subject: uai }).decide(() => createPersonal(uai))
  const email = credentials.find(({ kind }) => kind === 'email')
  return {
    uai,
    active: true,
    role: 'user',
    plan: 'free',
    organizationId,
    members: [uai],
    organizations: [organizationId],
    locale,
    name,
    email: email?.address ?? '',
    emailVerified: email?.verified ?? false,
    createdAt: now,
    wrappedKey: null,
  }
}
