import { emailDomain, parseEmail } from '../typed/email.ts'

/** What another identity provider says of the account somebody signed in with there. */
export type ExternalProfile = {
  /** Never given to another account at that provider. */
  externalId: string
  /** Parsed: what is no address is none. */
  email?: string
  emailVerified: boolean
  name?: string
  locale?: string
  /** How they signed in there, where it says so (RFC 8176). */
  amr?: string[]
  /** The session there, to end it here and there at once. */
  upstream?: UpstreamFacts
  /** When the provider wants the session to end, ISO 8601. */
  notAfter?: string
}

export type UpstreamFacts = {
  /** What the provider calls the account when it speaks of its sessions: `sub`, or the NameID of SAML. */
  account: string
  /** `sid`, or the SessionIndex of SAML. */
  session?: string
  /** Of OpenID Connect, as the hint of a sign-out. */
  idToken?: string
  /** How SAML qualifies the NameID; a sign-out must repeat it. */
  nameId?: { format?: string; nameQualifier?: string; spNameQualifier?: string }
}

const MOST_ID = 500
const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value.slice(0, 500) : undefined)

/** What identifies an account. Nothing is cut off or rounded: two accounts must never look like one. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  return typeof value === 'string' && value !== '' && value.length <= MOST_ID ? value : undefined
}

const GOOGLE = 'https://accounts.google.com'
const GOOGLE_DOMAINS = ['gmail.com', 'googlemail.com']

/** Google answers for its own addresses and for those of organizations that it hosts; others may be somebody else's by now. */
export function answeredFor(issuer: unknown, profile: ExternalProfile, hostedDomain: unknown): ExternalProfile {
  const { email = '', emailVerified } = profile
  const isHosted = typeof hostedDomain === 'string' || GOOGLE_DOMAINS.includes(emailDomain(email))
  return issuer === GOOGLE ? { ...profile, emailVerified: emailVerified && isHosted } : profile
}

/** Reads the claims of an ID token or userinfo answer (OpenID Connect Core section 5.1). */
export function profileOf(claims: Record<string, unknown>, subjectMember = 'sub'): ExternalProfile | undefined {
  const externalId = idOf(claims[subjectMember])
  if (externalId === undefined) return undefined
  const { email_verified, verified } = claims
  return {
    externalId,
    email: parseEmail(claims.email),
    // Apple says it as text, Discord in a member of its own.
    emailVerified: [email_verified, verified].some((one) => one === true || one === 'true'),
    name: text(claims.name) ?? text(claims.global_name),
    locale: text(claims.locale),
    amr: Array.isArray(claims.amr) ? claims.amr.filter((one) => typeof one === 'string').slice(0, 10) : undefined,
  }
}
