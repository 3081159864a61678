import * as z from 'zod/mini'
import { type Credential, changeIdentity, create, identity } from '../domain/identity.ts'
import { createPersonal, organization } from '../domain/organization.ts'
import { aboutPerson, type Work } from '../events/commit.ts'
import { newId } from '../ids.ts'
import { once } from '../once.ts'
import type { Person } from '../queries/person.ts'

/** The standing that an organization gives a person. */
type Standing = { role?: string; plan?: string; organizationId?: string }

/** Creates a person with their credentials and a personal organization. */
export function createIdentity(
  work: Work,
  input: { uai: string; credentials: Credential[]; name?: string; locale?: string; standing?: Standing; now: Date },
): Person {
  const { uai, credentials, name, locale, standing = {}, now } = input
  const organizationId = newId()
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

const text = () => z.string().check(z.minLength(1), z.maxLength(200))

export const claimsShape = once(() =>
  z.object({
    name: z.optional(text()),
    locale: z.optional(z.string().check(z.regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/))),
    role: z.optional(z.string().check(z.regex(/^[a-z_]{1,40}$/))),
    plan: z.optional(z.string().check(z.regex(/^[a-z_]{1,40}$/))),
    organization_id: z.optional(z.uuid()),
  }),
)

/** Claims that a hook may set for a person. */
export type MappedClaims = z.infer<ReturnType<typeof claimsShape>>

export const standingOf = ({ role, plan, organization_id }: MappedClaims): Standing => ({
  ...(role && { role }),
  ...(plan && { plan }),
  ...(organization_id && { organizationId: organization_id }),
})

/** Applies a hook's claims to an existing person, where they differ. */
export async function applyClaims(work: Work, person: Person, claims: MappedClaims): Promise<Person> {
  const { name, locale } = claims
  const claimed = { ...standingOf(claims), ...(name && { name }), ...(locale && { locale }) }
  const changes = Object.fromEntries(
    Object.entries(claimed).filter(([member, value]) => value !== person[member as keyof typeof claimed]),
  )
  if (Object.keys(changes).length === 0) return person
  const stream = await work.load(identity, person.uai, aboutPerson(person))
  stream.decide((state) => changeIdentity(state, changes))
  return { ...person, ...changes }
}
