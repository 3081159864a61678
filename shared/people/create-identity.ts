import { uuidv7 } from 'uuidv7'
import { type Credential, changeIdentity, create, identity } from '../domain/identity.ts'
import { createPersonal, organization } from '../domain/organization.ts'
import type { Work } from '../events/commit.ts'
import type { Person } from '../queries/person.ts'

/** The standing that an organization gives a person. */
export type Standing = { role?: string; plan?: string; organizationId?: string }

/** Creates a person with their credentials and a personal organization. */
export function createIdentity(
  work: Work,
  input: { uai: string; credentials: Credential[]; name?: string; locale?: string; standing?: Standing; now: Date },
): Person {
  const { uai, credentials, name, locale, standing = {}, now } = input
  const organizationId = uuidv7()
  const stream = work.start(identity, uai, { subject: uai })
  stream.decide(() => create({ organizationId, credentials, name, locale }))
  if (Object.keys(standing).length > 0) stream.decide((state) => changeIdentity(state, standing))
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
    standing: stream.state.standing,
    locale,
    name,
    email: email?.address ?? '',
    emailVerified: email?.verified ?? false,
    ...standing,
    createdAt: now,
    wrappedKey: null,
  }
}
