import { createHash } from 'node:crypto'
import { uuidv7 } from 'uuidv7'
import { vi } from 'vitest'
import { createCall } from '../../shared/call.ts'
import { loadConfig } from '../../shared/config.ts'
import * as clients from '../../shared/domain/api-client.ts'
import { AUDIT_LOG_ID, auditLog, beginLog, changeOrigin } from '../../shared/domain/audit-log.ts'
import * as authorizations from '../../shared/domain/authorization.ts'
import * as consents from '../../shared/domain/consent.ts'
import * as identities from '../../shared/domain/identity.ts'
import { createPersonal, organization } from '../../shared/domain/organization.ts'
import * as otp from '../../shared/domain/otp-challenge.ts'
import * as sessions from '../../shared/domain/session.ts'
import * as signingKeys from '../../shared/domain/signing-key.ts'
import * as families from '../../shared/domain/token-family.ts'
import { GatewayError } from '../../shared/errors.ts'
import { commit, type Work } from '../../shared/events/commit.ts'
import { createGateway, type Gateway } from '../../shared/gateway.ts'
import type { TestDatabase } from '../support/database.ts'
import { createIdentityTraffic } from './identity-traffic.ts'
import { createKeyTraffic } from './key-traffic.ts'
import { createMessageTraffic } from './message-traffic.ts'
import { createProjectTraffic } from './project-traffic.ts'
import { createServiceTraffic } from './service-traffic.ts'

const CLIENT = '0195d000-0000-7000-8000-000000000005'
const RESOURCE = 'https://api.lanonasis.com'
export const ORIGIN = { clientIp: '203.0.113.77', userAgent: 'TrafficBrowser/9.9 (test)' }

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
/** A number that depends on its own name only, so that a new action changes nothing for the others. */
const scatter = (name: string) => Number.parseInt(hash(name).slice(0, 4), 16)
const later = (seconds: number) => new Date(Date.now() + seconds * 1000)

export type Person = { uai: string; email: string; challengeId: string }
type Owned = { id: string; uai: string }

/** Units of work on a real store, decided by the domain, in the order in which the caller asks for them. */
export type Traffic = ReturnType<typeof createTraffic>

/** A gateway on a test database, as the application role. */
export function testGateway(database: TestDatabase): Gateway {
  return createGateway(loadConfig({ NODE_ENV: 'test', DATABASE_URL: database.appUrl }))
}

export function createTraffic(gateway: Gateway) {
  const people: Person[] = []
  const challenges: { id: string; email: string }[] = []
  const sessionList: Owned[] = []
  const authorizationList: (Owned & { sessionId: string })[] = []
  const familyList: (Owned & { sessionId: string; generation: number })[] = []
  const clientList: string[] = []
  const keyList: string[] = []
  const consentOf = new Map<string, string>()

  const unit = <T>(block: (work: Work) => Promise<T>): Promise<T | undefined> => {
    return commit(createCall(gateway, ORIGIN), block).catch((error: unknown) => {
      if (error instanceof GatewayError) return undefined
      throw error
    })
  }
  const pick = <T>(list: T[], n: number): T | undefined => list[n % list.length]

  const actions = {
    ...createKeyTraffic(unit, people),
    ...createProjectTraffic(unit, people),
    ...createIdentityTraffic(unit, people),
    ...createServiceTraffic(unit, familyList, CLIENT),
    ...createMessageTraffic(unit),

    async sendCode(n: number): Promise<void> {
      const id = uuidv7()
      const again = n % 3 === 0 ? pick(people, n)?.email : n % 3 === 1 ? pick(challenges, n)?.email : undefined
      const email = again ?? `person-${uuidv7()}@example.test`
      const previous = challenges.findLast((one) => one.email === email)
      await unit(async (work) => {
        if (previous) {
          const open = await work.load(otp.otpChallenge, previous.id, { subject: previous.id })
          open.decide((state) => otp.replace(state, id))
        }
        const where = n % 5 === 0 ? { channel: 'sms' as const, country: 'CH' } : { channel: 'email' as const }
        const issued = {
          ...where,
          address: email,
          lookup: email,
          networkLookup: `${email} 192.0.2`,
          codeHash: hash(`${id}.123456`),
          now: new Date(),
        }
        work.start(otp.otpChallenge, id, { subject: id }).decide(() => otp.issue(issued))
      })
      challenges.push({ id, email })
      await unit(async (work) => {
        const stream = await work.load(otp.otpChallenge, id, { subject: id })
        if (n % 7 === 0) stream.decide((state) => otp.recordUndelivered(state, 'provider_unavailable'))
      })
    },

    async guess(n: number): Promise<void> {
      const challenge = pick(challenges, n)
      if (challenge)
        await unit(async (work) => {
          const stream = await work.load(otp.otpChallenge, challenge.id, { subject: challenge.id })
          stream.decide((state) =>
            otp.verify(state, { matches: false, sameBrowser: true, uai: uuidv7(), now: new Date() }),
          )
        })
    },

    async signIn(n: number): Promise<void> {
      const challenge = challenges.at(-1 - (n % 3)) ?? challenges[0]
      if (!challenge) return
      const known = people.find(({ email }) => email === challenge.email)
      const person = known ?? { uai: uuidv7(), email: challenge.email, challengeId: challenge.id }
      const sessionId = uuidv7()
      const done = await unit(async (work) => {
        work.actor = { type: 'person', id: person.uai }
        const stream = await work.load(otp.otpChallenge, challenge.id, { subject: challenge.id })
        stream.decide((state) =>
          otp.verify(state, { matches: true, sameBrowser: true, uai: person.uai, now: new Date() }),
        )
        if (!known) signUp(work, person)
        startSession(work, person, sessionId, challenge.id)
        return true
      })
      if (!done) return
      if (!known) people.push(person)
      sessionList.push({ id: sessionId, uai: person.uai })
    },

    async endSession(n: number): Promise<void> {
      const one = pick(sessionList, n)
      if (one)
        await unit(async (work) => {
          const stream = await work.load(sessions.session, one.id, { subject: one.uai })
          stream.decide((state) => sessions.end(state, n % 2 ? 'logout' : 'revoked'))
        })
    },

    async stepUp(n: number): Promise<void> {
      const one = pick(sessionList, n)
      if (!one) return
      const given = { handleHash: hash(uuidv7()), now: new Date() }
      await unit(async (work) => {
        const stream = await work.load(sessions.session, one.id, { subject: one.uai })
        stream.decide((state) =>
          n % 2
            ? sessions.stepUp(state, { ...given, provenBy: { type: 'totp_authenticator', id: uuidv7() } })
            : sessions.recover(state, { ...given, provenBy: { type: 'recovery_codes', id: uuidv7() } }),
        )
      })
    },

    async authorize(n: number): Promise<void> {
      const one = pick(sessionList, n)
      if (!one) return
      const id = uuidv7()
      await unit(async (work) => {
        const stream = work.start(authorizations.authorization, id, { subject: one.uai })
        if (one.uai.endsWith('0') || one.uai.endsWith('8'))
          stream.decide(() =>
            authorizations.push({
              facts: {
                clientId: one.uai,
                requestUriHash: id,
                pushedAt: new Date().toISOString(),
                expiresAt: new Date().toISOString(),
              },
              sealedParameters: Buffer.from('sealed'),
              forgottenAt: new Date(),
            }),
          )
        const now = new Date()
        const code = { codeHash: hash(id), now }
        if (n % 5 === 4)
          stream.decide((state) =>
            authorizations.grantWithoutAsking(state, authorizationFacts(one), { by: 'remembered', ...code }),
          )
        else stream.decide((state) => authorizations.request(state, authorizationFacts(one)))
        if (n % 5 === 0) stream.decide((state) => authorizations.deny(state, { sessionId: one.id, now }))
        else if (n % 5 === 2 || n % 5 === 3)
          stream.decide((state) =>
            authorizations.grant(state, { scope: ['memories:read'], sessionId: one.id, ...code }),
          )
        const known = consentOf.get(one.uai)
        const consent = known
          ? await work.load(consents.consent, known, { subject: one.uai })
          : work.start(consents.consent, uuidv7(), { subject: one.uai })
        consentOf.set(one.uai, consent.id)
        const scopes = ['memories:read', ...(n % 2 ? ['memories:write'] : []), ...(n % 3 ? ['profile'] : [])]
        consent.decide((state) =>
          consents.grant(state, { uai: one.uai, clientId: CLIENT, scopes, resources: [RESOURCE] }),
        )
      })
      authorizationList.push({ id, uai: one.uai, sessionId: one.id })
    },

    async redeem(n: number): Promise<void> {
      const one = pick(authorizationList, n)
      if (!one) return
      const familyId = uuidv7()
      const done = await unit(async (work) => {
        const stream = await work.load(authorizations.authorization, one.id, { subject: one.uai })
        stream.decide((state) =>
          authorizations.redeem(state, {
            codeHash: hash(one.id),
            clientId: CLIENT,
            redirectUri: 'http://127.0.0.1:3000/callback',
            challenge: n % 4 === 0 ? 'another' : 'challenge',
            familyId,
            now: new Date(),
          }),
        )
        work.start(families.tokenFamily, familyId, { subject: one.uai }).decide(() =>
          families.startFamily({
            kind: 'authorization',
            authentication: {
              acr: 'urn:lanonasis:acr:multi-factor',
              amr: ['otp', 'mfa'],
              at: new Date().toISOString(),
            },
            uai: one.uai,
            clientId: CLIENT,
            sessionId: one.sessionId,
            authorizationId: one.id,
            scope: ['memories:read'],
            resources: [RESOURCE],
            offline: n % 2 === 0,
            accessTokenId: uuidv7(),
            ...(n % 3 !== 0 && { refreshHash: hash(`${familyId}.0`), refreshExpiresAt: later(3600).toISOString() }),
            expiresAt: later(86_400).toISOString(),
          }),
        )
        return true
      })
      if (done) familyList.push({ id: familyId, uai: one.uai, sessionId: one.sessionId, generation: 0 })
    },

    async refresh(n: number): Promise<void> {
      const one = pick(familyList, n)
      if (!one) return
      const generation = n % 5 === 0 ? Math.max(0, one.generation - 1) : one.generation
      const done = await unit(async (work) => {
        const stream = await work.load(families.tokenFamily, one.id, { subject: one.uai })
        stream.decide((state) =>
          families.rotate(state, {
            presentedHash: hash(`${one.id}.${generation}`),
            generation,
            refreshHash: hash(`${one.id}.${generation + 1}`),
            refreshExpiresAt: later(3600),
            accessTokenId: uuidv7(),
            answer: Buffer.from(`sealed ${n}`),
            now: new Date(),
          }),
        )
        return true
      })
      if (done) one.generation += 1
    },

    async revoke(n: number): Promise<void> {
      const one = pick(familyList, n)
      if (one)
        await unit(async (work) => {
          const stream = await work.load(families.tokenFamily, one.id, { subject: one.uai })
          stream.decide((state) =>
            n % 3 === 0
              ? families.revokeFamily(state, 'client')
              : families.revokeAccessToken(state, { jti: uuidv7(), expiresAt: later(3600) }),
          )
        })
    },

    async client(n: number): Promise<void> {
      const id = n % 3 === 0 ? undefined : pick(clientList, n)
      const metadata = clientMetadata(n)
      await unit(async (work) => {
        if (!id) {
          const made = work.start(clients.apiClient, uuidv7(), {})
          const clientId = `client-${made.id}`
          const secretHash = n % 2 ? hash(made.id) : undefined
          made.decide(() =>
            clients.registerClient({
              ...{ clientId, firstParty: n % 2 === 0, origin: 'operator', metadata, secretHash },
              sharingKey: n % 2 ? undefined : made.id,
            }),
          )
          if (n % 4 === 0) made.decide(clients.shareClient)
          made.decide((state) => clients.changeAccountAccess(state, n % 2 === 0 ? 'everyday' : 'none'))
          clientList.push(made.id)
          return
        }
        const stream = await work.load(clients.apiClient, id, {})
        const changes = [
          (state: clients.ApiClient) => clients.updateClient(state, metadata),
          (state: clients.ApiClient) =>
            clients.rotateClientSecret(state, {
              secretHash: hash(`${n}`),
              overlapSeconds: n % 2 ? 60 : 0,
              now: new Date(),
            }),
          (state: clients.ApiClient) => clients.suspendClient(state, 'test'),
          (state: clients.ApiClient) => clients.reinstateClient(state, 'test'),
          (state: clients.ApiClient) =>
            clients.changeAccountAccess(state, state.status !== 'none' && state.firstParty ? 'everyday' : 'none'),
        ]
        stream.decide(pick(changes, n) ?? ((state) => clients.updateClient(state, metadata)))
      })
    },

    async signingKey(n: number): Promise<void> {
      const id = pick(keyList, n)
      await unit(async (work) => {
        if (id && n % 2) {
          const stream = await work.load(signingKeys.signingKey, id, {})
          stream.decide((state) => signingKeys.retireKey(state, later(3600)))
          return
        }
        const stream = work.start(signingKeys.signingKey, uuidv7(), {})
        const kid = hash(stream.id)
        const sealedPrivateJwk = Buffer.from('sealed')
        const key = {
          kid,
          alg: 'ES256' as const,
          publicJwk: { kid, kty: 'EC' },
          activeFrom: new Date(),
          sealedPrivateJwk,
        }
        stream.decide(() => signingKeys.createKey(key))
        keyList.push(stream.id)
      })
    },

    async nameLog(n: number): Promise<void> {
      await unit(async (work) => {
        const stream = await work.load(auditLog, AUDIT_LOG_ID, {})
        stream.decide((state) => beginLog(state, 'localhost:4000/audit'))
        if (n % 2) stream.decide((state) => changeOrigin(state, { origin: `log-${n}.example.test`, reason: 'test' }))
      })
    },

    async standing(n: number): Promise<void> {
      const person = pick(people, n)
      if (person)
        await unit(async (work) => {
          const stream = await work.load(identities.identity, person.uai, { subject: person.uai })
          stream.decide((state) => (n % 2 ? identities.suspend(state, 'test') : identities.reinstate(state, 'test')))
        })
    },
  }

  /** Every action, one after the other, `rounds` times, with choices that are spread but always the same. */
  async function sweep(rounds: number): Promise<void> {
    for (let n = 1; n <= rounds; n++)
      for (const [name, action] of Object.entries(actions)) await action(scatter(`${n}.${name}`))
  }

  return { people, actions, sweep, names: Object.keys(actions) as (keyof typeof actions)[] }
}

function mailbox(email: string, challengeId: string): identities.Credential {
  const evidence = { method: 'otp', challengeId }
  return { credentialId: uuidv7(), kind: 'email', verified: true, evidence, address: email, lookup: email }
}

function signUp(work: Work, { uai, email, challengeId }: Person): void {
  const organizationId = uuidv7()
  work
    .start(identities.identity, uai, { subject: uai })
    .decide(() => identities.create({ organizationId, credentials: [mailbox(email, challengeId)] }))
  work.start(organization, organizationId, { subject: uai }).decide(() => createPersonal(uai))
}

function startSession(work: Work, { uai }: Person, id: string, challengeId: string): void {
  work.start(sessions.session, id, { subject: uai }).decide(() =>
    sessions.begin({
      uai,
      platform: 'web',
      projectScope: 'lanonasis-maas',
      method: 'otp',
      amr: ['otp'],
      acr: 'urn:lanonasis:acr:verified-address',
      authenticatedAt: new Date().toISOString(),
      handleHash: hash(id),
      idleSeconds: 3600,
      expiresAt: later(86_400).toISOString(),
      provenBy: { type: 'otp_challenge', id: challengeId },
    }),
  )
}

function authorizationFacts(session: Owned): authorizations.AuthorizationFacts {
  return {
    clientId: CLIENT,
    uai: session.uai,
    sessionId: session.id,
    redirectUri: 'http://127.0.0.1:3000/callback',
    scope: ['memories:read'],
    resources: [RESOURCE],
    codeChallenge: 'challenge',
    state: 'ünïcode "quoted" \u0001 state',
    acr: 'urn:lanonasis:acr:verified-address',
    amr: ['otp'],
    authenticatedAt: new Date().toISOString(),
    expiresAt: later(900).toISOString(),
  }
}

function clientMetadata(n: number): clients.ClientMetadata {
  return {
    client_name: `Client ${n}`,
    application_type: 'web',
    token_endpoint_auth_method: n % 2 ? 'client_secret_basic' : 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [`https://client-${n}.example/callback`],
    scope: 'profile',
    default_scope: 'profile',
  }
}

/** Traffic of an earlier time: streams sort by their birth, and what they say expires from then on. */
export async function sweepAt(time: string, gateway: Gateway): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(time) })
  try {
    await createTraffic(gateway).sweep(14)
  } finally {
    vi.useRealTimers()
  }
}
