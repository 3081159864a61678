import { emailDomain, parseEmail } from '../typed/email.ts'

/** The claims of an external identity provider about the account that signed in. */
export type ExternalProfile = {
  /** Never reassigned by that provider. */
  externalId: string
  /** Parsed; undefined for an invalid address. */
  email?: string
  emailVerified: boolean
  name?: string
  locale?: string
  /** Authentication methods at the provider, if it sends them (RFC 8176). */
  amr?: string[]
  /** The session at the provider, for single logout. */
  upstream?: UpstreamFacts
  /** When the provider requires the session to end, ISO 8601. */
  notAfter?: string
}

export type UpstreamFacts = {
  /** The account in the provider's logout messages: `sub`, or the NameID of SAML. */
  account: string
  /** `sid`, or the SessionIndex of SAML. */
  session?: string
  /** OpenID Connect only: the `id_token_hint` for logout. */
  idToken?: string
  /** SAML only: the qualifiers of the NameID, which a logout request must repeat. */
  nameId?: { format?: string; nameQualifier?: string; spNameQualifier?: string }
}

const MOST_ID = 500
const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value.slice(0, 500) : undefined)

/** Reads an account identifier. It is never truncated or rounded, so that two accounts never share one. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  return typeof value === 'string' && value !== '' && value.length <= MOST_ID ? value : undefined
}

const GOOGLE = 'https://accounts.google.com'
const GOOGLE_DOMAINS = ['gmail.com', 'googlemail.com']

/** Google's `email_verified` is authoritative only for its own domains and hosted ones; other addresses may have a new owner. */
export function answeredFor(issuer: unknown, profile: ExternalProfile, hostedDomain: unknown): ExternalProfile {
  const { email = '', emailVerified } = profile
  const isHosted = typeof hostedDomain === 'string' || GOOGLE_DOMAINS.includes(emailDomain(email))
  return issuer === GOOGLE ? { ...profile, emailVerified: emailVerified && isHosted } : profile
}

/** Reads the claims of an ID token or userinfo response (OpenID Connect Core section 5.1). */
export function profileOf(claims: Record<string, unknown>, subjectMember = 'sub'): ExternalProfile | undefined {
  const externalId = idOf(claims[subjectMember])
  if (externalId === undefined) return undefined
  const { email_verified, verified } = claims
  return {
    externalId,
    email: parseEmail(claims.email),
    // Apple sends it as a string, Discord as `verified`.
    emailVerified: [email_verified, verified].some((one) => one === true || one === 'true'),
    name: text(claims.name) ?? text(claims.global_name),
    locale: text(claims.locale),
    amr: Array.isArray(claims.amr) ? claims.amr.filter((one) => typeof one === 'string').slice(0, 10) : undefined,
  }
}
