import { uuidv7 } from 'uuidv7'
import * as authorizations from '../../shared/domain/authorization.ts'
import * as consents from '../../shared/domain/consent.ts'
import * as families from '../../shared/domain/token-family.ts'
import { hash, later, pick, type Seal, type Session, type TokenFamily, type Unit } from './unit.ts'

const RESOURCE = 'https://api.lanonasis.com'

/** Authorizations that people grant or deny, and the tokens that follow from them. */
export function createTokenTraffic(
  unit: Unit,
  seal: Seal,
  sessionList: Session[],
  familyList: TokenFamily[],
  client: string,
) {
  const authorizationList: (Session & { sessionId: string })[] = []
  const consentOf = new Map<string, string>()

  const authorizationFacts = (session: Session): authorizations.AuthorizationFacts => ({
    clientId: client,
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
  })

  return {
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
              sealedParameters: seal('pushed-request', 'sealed', id),
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
          consents.grant(state, { uai: one.uai, clientId: client, scopes, resources: [RESOURCE] }),
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
            clientId: client,
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
            clientId: client,
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
  }
}
