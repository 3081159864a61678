import type { Profile } from '@node-saml/node-saml'
import type { SamlSettings } from '../domain/connection.ts'
import { type ExternalProfile, idOf } from '../people/profile.ts'
import { parseEmail } from '../typed/email.ts'
import { providerError } from './oauth-client.ts'

const TRANSIENT = /nameid-format:transient$/

type Mapping = NonNullable<SamlSettings['attributes']>

const CLAIMS = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims'
const MICROSOFT = 'http://schemas.microsoft.com/identity/claims'

/** Names that providers use by default. `NameID` is the identifier in the subject. */
const USUAL: Required<Omit<Mapping, 'subject'>> = {
  email: ['email', 'mail', 'emailAddress', 'urn:oid:0.9.2342.19200300.100.1.3', `${CLAIMS}/emailaddress`],
  name: [
    'displayName',
    'urn:oid:2.16.840.1.113730.3.1.241',
    `${MICROSOFT}/displayname`,
    'name',
    'cn',
    'urn:oid:2.5.4.3',
    `${CLAIMS}/name`,
  ],
  given_name: ['givenName', 'firstName', 'urn:oid:2.5.4.42', `${CLAIMS}/givenname`],
  family_name: ['surname', 'sn', 'lastName', 'urn:oid:2.5.4.4', `${CLAIMS}/surname`],
}

/** Settings that are the same for every SAML connection to one of these providers. */
export const SAML_PRESETS: Record<string, Partial<SamlSettings>> = {
  entra: {
    attributes: {
      subject: `${MICROSOFT}/objectidentifier`,
      email: [`${CLAIMS}/emailaddress`],
      name: [`${MICROSOFT}/displayname`],
      given_name: [`${CLAIMS}/givenname`],
      family_name: [`${CLAIMS}/surname`],
    },
  },
  okta: { name_id_format: 'unspecified', attributes: { email: ['email', 'mail', 'NameID'] } },
  google: { name_id_format: 'emailAddress', attributes: { email: ['email', 'mail', 'NameID'] } },
  adfs: {
    name_id_format: 'none',
    attributes: { email: [`${CLAIMS}/emailaddress`], name: ['displayName', `${CLAIMS}/name`] },
  },
  onelogin: {
    name_id_format: 'emailAddress',
    attributes: { email: ['User.email', 'NameID'], given_name: ['User.FirstName'], family_name: ['User.LastName'] },
  },
  keycloak: { attributes: { email: ['email', 'urn:oid:1.2.840.113549.1.9.1'] } },
  shibboleth: { name_id_format: 'none', attributes: { subject: 'urn:oasis:names:tc:SAML:attribute:pairwise-id' } },
}

/** Returns attribute values by lower-case name, without values that are empty or not text. */
function valuesOf({ attributes, nameID }: Profile): Map<string, string[]> {
  const given: [string, unknown][] = [...Object.entries(attributes ?? {}), ['NameID', nameID]]
  const values = new Map<string, string[]>()
  for (const [name, value] of given) {
    const texts = [value].flat().filter((one): one is string => typeof one === 'string' && one.trim() !== '')
    const key = name.toLowerCase()
    values.set(key, [...(values.get(key) ?? []), ...texts.map((text) => text.trim())])
  }
  return values
}

/**
 * Reads a person's profile from the attributes of an assertion. A name that looks like an email address is ignored: several providers
 * send the user name as the name.
 * @param mapping attribute names of the connection, which replace the default ones
 */
function readAttributes(profile: Profile, mapping: Mapping = {}): { subject?: string; email?: string; name?: string } {
  const values = valuesOf(profile)
  const all = (names: string[]) => names.flatMap((name) => values.get(name.toLowerCase()) ?? [])
  const of = (member: keyof typeof USUAL) => all(mapping[member] ?? USUAL[member])
  const isEmail = /nameid-format:emailAddress$/.test(profile.nameIDFormat ?? '')
  const addresses = [...of('email'), ...(isEmail ? all(['NameID']) : [])]
  const parts = [of('given_name')[0], of('family_name')[0]].filter(Boolean).join(' ')
  return {
    subject: mapping.subject ? all([mapping.subject])[0] : undefined,
    email: addresses.map(parseEmail).find(Boolean),
    name: of('name').find((text) => !text.includes('@')) ?? (parts || undefined),
  }
}

/**
 * Returns the profile in an assertion. A transient name ID changes with every sign-in, so it identifies no one.
 * @param notAfter when the provider's session ends
 * @throws GatewayError provider_failed without a lasting identifier
 */
export function profileOfSaml(
  profile: Profile,
  { attributes }: SamlSettings,
  notAfter: string | undefined,
): ExternalProfile {
  const { nameIDFormat: format, nameQualifier, spNameQualifier } = profile
  const nameID = idOf(profile.nameID)
  const { subject, email, name } = readAttributes(profile, attributes)
  const lasting = nameID && !TRANSIENT.test(format ?? '') ? nameID : undefined
  const externalId = attributes?.subject ? idOf(subject) : lasting
  if (!externalId)
    throw providerError(attributes?.subject ? `SAML: no ${attributes.subject}` : 'SAML: no persistent name ID')
  return {
    externalId,
    email,
    emailVerified: email !== undefined,
    name: name?.slice(0, 500),
    notAfter,
    upstream: nameID
      ? { account: nameID, session: idOf(profile.sessionIndex), nameId: { format, nameQualifier, spNameQualifier } }
      : undefined,
  }
}
