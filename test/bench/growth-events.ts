import { createHash, randomBytes } from 'node:crypto'
import { UUID } from 'uuidv7'
import type { Append, AppendedEvent } from '../../shared/events/store.ts'
import type { Personal } from '../../shared/personal.ts'

export type SeededPerson = { uai: string; address: string; organization: string; isNew: boolean }

export type Client = { id: string; client_id: string }

type SubjectKey = { subject: string; wrapped_key: string }

/** Of a person who is known; roughly. */
export const EVENTS_PER_SIGN_IN = 16

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const bytes = (length: number) => randomBytes(length).toString('base64url')

/** A uuid v7 of an instant. */
export const idAt = (at: number) => {
  const random = randomBytes(10)
  const high = random.readUInt32BE(2) & 0x3fffffff
  return UUID.fromFieldsV7(at, random.readUInt16BE(0) & 0xfff, high, random.readUInt32BE(6)).toString()
}

type Told = { type: string; data: object; digest?: { kind: string; value: string } }

/**
 * What the store is given when a user signs in with a code, authorizes an application, refreshes its tokens twice and signs out.
 * @param at when, milliseconds; every other one does not sign out, but lets its session expire
 */
export function signInAt(
  personal: Personal,
  at: number,
  person: SeededPerson,
  client: Client,
): { appends: Append[]; keys: SubjectKey[] } {
  const { uai, address, organization } = person
  const time = (seconds: number) => new Date(at + seconds * 1000).toISOString()
  const own = personal.newKey(uai)
  const signsOut = at % 2 === 0
  const requests = Array.from({ length: 6 }, () => crypto.randomUUID())
  const [challenge, session, authorization, family, appSession] = Array.from({ length: 5 }, () => idAt(at)) as [
    string,
    string,
    string,
    string,
    string,
  ]
  const stream = (type: string, id: string, subject: string, request: number, told: Told[]): Append => {
    let cause: string | undefined
    const events = told.map(({ type: event_type, data, digest }): AppendedEvent => {
      const event_id = idAt(at + request * 1000)
      const metadata = {
        requestId: requests[request],
        correlationId: requests[0],
        causationId: cause,
        actorType: 'person',
        actor: uai,
        clientId: client.client_id,
        sessionId: type === 'otp_challenge' || type === 'message' ? undefined : session,
        origin: bytes(110),
      }
      cause = event_id
      const digests = digest && [{ kind: digest.kind, digest: hash(digest.value) }]
      return { event_id, event_type, schema_version: 1, subject, data, metadata, digests }
    })
    return { stream_type: type, stream_id: id, expected_version: 0, events }
  }
  const rotation = (generation: number): Told => ({
    type: 'RefreshTokenRotated',
    data: {
      generation,
      refreshHash: hash(`${family}${generation}`),
      previousHash: hash(`${family}${generation - 1}`),
      rotatedAt: time(3600 * generation),
      refreshExpiresAt: time(2_592_000),
      accessTokenId: bytes(16),
    },
  })
  const started = (platform: string, more: object) => ({
    uai,
    platform,
    projectScope: 'lanonasis-maas',
    method: 'otp',
    amr: ['otp'],
    acr: 'urn:lanonasis:acr:verified-address',
    authenticatedAt: time(30),
    idleSeconds: 604_800,
    expiresAt: time(2_592_000),
    ...more,
  })
  const identity = stream('identity', uai, uai, 1, [
    { type: 'IdentityCreated', data: { role: 'user', plan: 'free', organizationId: organization } },
    {
      type: 'CredentialLinked',
      data: {
        credentialId: idAt(at),
        kind: 'email',
        verified: true,
        evidence: { method: 'otp', challengeId: challenge },
        sealed: { address: personal.seal(uai, own.key, address) },
      },
      digest: { kind: 'email', value: address },
    },
  ])
  const appends = [
    stream('otp_challenge', challenge, challenge, 0, [
      {
        type: 'OtpChallengeIssued',
        data: { channel: 'email', codeHash: hash(challenge), expiresAt: time(600), sealed: { address: bytes(60) } },
        digest: { kind: 'otp_address', value: address },
      },
      { type: 'OtpChallengeConsumed', data: { uai } },
    ]),
    stream('message', challenge, challenge, 0, [
      {
        type: 'MessageQueued',
        data: { channel: 'email', template: 'code', uai, sealed: { address: bytes(60) } },
        digest: { kind: 'message_address', value: address },
      },
      { type: 'MessageAccepted', data: { provider: 'resend', providerId: crypto.randomUUID(), attempts: 1 } },
      { type: 'MessageDelivered', data: { provider: 'resend' } },
    ]),
    ...(person.isNew ? [identity] : []),
    stream('session', session, uai, 1, [
      {
        type: 'SessionStarted',
        data: started('web', { handleHash: hash(session), provenBy: { type: 'otp_challenge', id: challenge } }),
      },
      ...(signsOut ? [{ type: 'SessionEnded', data: { reason: 'logout' } }] : []),
    ]),
    stream('session', appSession, uai, 2, [
      {
        type: 'SessionStarted',
        data: started('app', { clientId: client.id, openedFrom: session, provenBy: { type: 'session', id: session } }),
      },
      ...(signsOut ? [{ type: 'SessionEnded', data: { reason: 'logout' } }] : []),
    ]),
    stream('authorization', authorization, uai, 2, [
      {
        type: 'AuthorizationGranted',
        data: {
          by: 'first_party',
          scope: ['openid', 'profile'],
          codeHash: hash(authorization),
          codeExpiresAt: time(60),
          request: {
            clientId: client.id,
            uai,
            sessionId: session,
            redirectUri: 'https://dashboard.lanonasis.com/auth/callback',
            scope: ['openid', 'profile'],
          },
        },
      },
      { type: 'AuthorizationCodeRedeemed', data: { familyId: family } },
    ]),
    stream('token_family', family, uai, 3, [
      {
        type: 'TokenFamilyStarted',
        data: {
          kind: 'authorization',
          uai,
          clientId: client.id,
          sessionId: session,
          authorizationId: authorization,
          scope: ['openid', 'profile'],
          resources: [],
          offline: false,
          accessTokenId: bytes(16),
          refreshHash: hash(`${family}0`),
          refreshExpiresAt: time(2_592_000),
          expiresAt: time(7_776_000),
        },
      },
      rotation(1),
      rotation(2),
      ...(signsOut ? [{ type: 'TokenFamilyRevoked', data: { reason: 'logout' } }] : []),
    ]),
  ]
  const keys = [
    { subject: challenge, wrapped: personal.newKey(challenge).wrapped },
    ...(person.isNew ? [{ subject: uai, wrapped: own.wrapped }] : []),
  ]
  return { appends, keys: keys.map(({ subject, wrapped }) => ({ subject, wrapped_key: wrapped.toString('hex') })) }
}
