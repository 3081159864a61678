import { uuidv7 } from 'uuidv7'
import * as identities from '../../shared/domain/identity.ts'
import { createPersonal, organization } from '../../shared/domain/organization.ts'
import * as otp from '../../shared/domain/otp-challenge.ts'
import * as sessions from '../../shared/domain/session.ts'
import type { Work } from '../../shared/events/commit.ts'
import { hash, later, pick, type Session, type Unit } from './unit.ts'

export type Person = { uai: string; email: string; challengeId: string }

/** Codes that are sent and entered, and the sessions of people who sign in with them. */
export function createSignInTraffic(unit: Unit, people: Person[], sessionList: Session[]) {
  const challenges: { id: string; email: string }[] = []

  return {
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
        const factor = stream.state.status === 'started' && stream.state.proven.at(-1)?.by
        if (n % 4 === 1 && factor) stream.decide((state) => sessions.weaken(state, { removed: factor.id }))
      })
    },
  }
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
