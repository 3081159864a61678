import { uuidv7 } from 'uuidv7'
import {
  activateConnectionKey,
  addConnection,
  addConnectionKey,
  changeConnection,
  connection,
  disableConnection,
  removeConnection,
  retireConnectionKey,
} from '../../shared/domain/connection.ts'
import { addHook, hook, removeHook, replaceHookSecret } from '../../shared/domain/hook.ts'
import { hookCall, recordCall } from '../../shared/domain/hook-call.ts'
import * as identities from '../../shared/domain/identity.ts'
import * as codes from '../../shared/domain/operator-code.ts'
import * as passkeys from '../../shared/domain/passkey.ts'
import * as pending from '../../shared/domain/pending-sign-in.ts'
import * as recovery from '../../shared/domain/recovery-codes.ts'
import * as devices from '../../shared/domain/remembered-device.ts'
import * as places from '../../shared/domain/sign-in-place.ts'
import * as totp from '../../shared/domain/totp-authenticator.ts'
import * as webhooks from '../../shared/domain/webhook.ts'
import { mergeIdentities, splitIdentity } from '../../shared/people/identities.ts'
import type { Seal, Unit } from './unit.ts'

/** Accounts that are linked and unlinked, people that are merged and split, and the providers they come from. */
export function createIdentityTraffic(unit: Unit, people: { uai: string }[], seal: Seal) {
  const linked: { uai: string; id: string }[] = []
  const asPerson = (uai: string) => ({ uai, wrappedKey: undefined }) as never

  /** A person is notified at most once a day. */
  let days = 0

  return {
    async link(n: number): Promise<void> {
      const uai = people[n % people.length]?.uai
      if (!uai) return
      const id = uuidv7()
      const evidence = { method: 'service', assertedBy: 'crm' }
      const facts = { credentialId: id, kind: 'external' as const, provider: 'stripe', verified: true, evidence }
      const done = await unit(async (work) => {
        const stream = await work.load(identities.identity, uai, { subject: uai })
        stream.decide((state) => identities.linkCredential(state, { ...facts, address: id, lookup: `stripe\n${id}` }))
        return true
      })
      if (done) linked.push({ uai, id })
    },

    async unlink(n: number): Promise<void> {
      const one = linked[n % linked.length]
      if (!one) return
      await unit(async (work) => {
        const stream = await work.load(identities.identity, one.uai, { subject: one.uai })
        stream.decide((state) =>
          identities.unlinkCredential(state, { credentialId: one.id, left: n % 4, reason: 'person' }),
        )
      })
    },

    async merge(n: number): Promise<void> {
      const [one, other] = [people[n % people.length], people[(n * 7 + 1) % people.length]]
      if (!one || !other || one === other || n % 3) return
      await unit((work) =>
        mergeIdentities(work, {
          survivor: asPerson(one.uai),
          retired: asPerson(other.uai),
          evidence: { method: 'both_signed_in' },
        }),
      )
    },

    async split(n: number): Promise<void> {
      const one = people[n % people.length]
      if (one && n % 2) await unit((work) => splitIdentity(work, { uai: one.uai, reason: 'wrong merge' }))
    },

    async webhook(n: number): Promise<void> {
      const id = uuidv7()
      const [settings, reason] = [
        { name: `Webhook ${n}`, url: 'https://receiver.example', types: ['SessionStarted'] },
        'test',
      ]
      await unit(async (work) => {
        const stream = work.start(webhooks.webhook, id, {})
        stream.decide(() => webhooks.addWebhook({ settings, reason }, seal('webhook-secret', 'secret', id)))
        stream.decide((state) => webhooks.changeWebhook(state, { settings: { ...settings, types: [] }, reason }))
        stream.decide((state) => webhooks.replaceWebhookSecret(state, seal('webhook-secret', 'newer', id), reason))
        stream.decide((state) => webhooks.replayWebhook(state, { after: String(n), reason }))
        stream.decide((state) => webhooks.retryWebhook(state, { reason }))
        stream.decide((state) => webhooks.stopWebhook(state, reason))
        if (n % 2) stream.decide((state) => webhooks.startWebhook(state, reason))
        if (n % 3 === 0) stream.decide((state) => webhooks.removeWebhook(state, reason))
      })
    },

    async hook(n: number): Promise<void> {
      const id = uuidv7()
      const settings = { name: id, point: 'map-claims' as const, url: 'https://a.example', on_failure: 'open' as const }
      await unit(async (work) => {
        const stream = work.start(hook, id, {})
        stream.decide(() =>
          addHook({ ...settings, connections: [], roles: [], organizations: [] }, seal('hook-secret', 'secret', id)),
        )
        if (n % 2) stream.decide((state) => replaceHookSecret(state, seal('hook-secret', 'newer', id)))
        if (n % 5 === 1) stream.decide((state) => removeHook(state, 'operator'))
        const call = {
          hookId: id,
          point: settings.point,
          outcome: 'answered' as const,
          claims: ['name'],
          milliseconds: n % 100,
        }
        work.start(hookCall, uuidv7(), {}).decide(() => recordCall(call))
      })
    },

    async totp(n: number): Promise<void> {
      const uai = people[n % people.length]?.uai
      if (!uai) return
      await unit(async (work) => {
        const stream = work.start(totp.totpAuthenticator, uuidv7(), { subject: uai })
        stream.decide(() => totp.enrol({ status: 'none' }, { uai, step: n, secret: Buffer.from('sealed') }))
        if (n % 2) stream.decide((state) => ({ events: totp.miss(state, n % 4 === 1 ? 'sign_in' : 'step_up').events }))
        if (n % 3) stream.decide((state) => totp.accept(state, { step: n + 1, purpose: 'step_up' }))
        if (n % 5 === 1) stream.decide((state) => totp.remove(state, 'person'))
      })
    },

    async passkey(n: number): Promise<void> {
      const uai = people[n % people.length]?.uai
      if (!uai) return
      const id = uuidv7()
      const flags = { backupEligible: n % 2 === 0, backedUp: n % 4 === 0, signCount: n % 3 }
      const names = { name: 'Phone', credentialId: `credential-${id}`, publicKey: 'key', rpId: 'localhost' }
      const model = { aaguid: uuidv7(), transports: ['internal'] }
      await unit(async (work) => {
        const stream = work.start(passkeys.passkey, id, { subject: uai })
        stream.decide((state) => passkeys.registerPasskey(state, { uai, ...flags, ...names, ...model }))
        if (n % 2)
          stream.decide((state) => passkeys.usePasskey(state, { ...flags, signCount: n + 3, purpose: 'sign_in' }))
        if (n % 2) {
          const cloned = { ...flags, signCount: 1, purpose: 'step_up' as const }
          stream.decide((state) => ({ events: passkeys.usePasskey(state, cloned).events }))
        }
        if (n % 3) stream.decide((state) => passkeys.renamePasskey(state, 'Key'))
        if (n % 5 === 1) stream.decide((state) => passkeys.removePasskey(state, 'person'))
      })
    },

    async recoveryCodes(n: number): Promise<void> {
      const uai = people[n % people.length]?.uai
      if (!uai) return
      await unit(async (work) => {
        const stream = work.start(recovery.recoveryCodes, uuidv7(), { subject: uai })
        stream.decide(() => recovery.issueCodes({ uai, codeHashes: ['a', 'b'] }))
        if (n % 2) stream.decide((state) => recovery.useRecoveryCode(state, 'a'))
        if (n % 3 === 1) stream.decide((state) => ({ events: recovery.useRecoveryCode(state, 'c').events }))
        if (n % 5 === 1) stream.decide((state) => recovery.replaceCodes(state, 'replaced'))
      })
    },

    async operatorCode(n: number): Promise<void> {
      const uai = people[n % people.length]?.uai
      if (!uai) return
      const [operator, second] = [uuidv7(), uuidv7()]
      const [reason, partHash, now] = ['lost phone', 'a', new Date()]
      await unit(async (work) => {
        const stream = work.start(codes.operatorCode, uuidv7(), { subject: uai })
        stream.decide(() =>
          codes.requestCode({ uai, operator, reason, needsSecond: n % 2 === 0, standing: 1, partHash, now }),
        )
        if (n % 4)
          stream.decide((state) =>
            codes.approveCode(state, { operator: second, members: [second], standing: 1, reason, partHash, now }),
          )
        for (let tries = n % 7; tries > 0; tries--)
          stream.decide((state) => ({ events: codes.useCode(state, { matches: false, standing: 1, now }).events }))
        if (n % 3 === 1) stream.decide((state) => codes.useCode(state, { matches: true, standing: 1, now }))
        if (n % 3 === 2) stream.decide((state) => codes.revokeCode(state, { operator, reason }))
      })
    },

    async secondFactor(n: number): Promise<void> {
      const uai = people[n % people.length]?.uai
      if (!uai) return
      const [provenBy, now] = [{ type: 'totp_authenticator' as const, id: uuidv7() }, new Date()]
      await unit(async (work) => {
        const stream = work.start(pending.pendingSignIn, uuidv7(), { subject: uai })
        stream.decide(() => pending.requireSecondFactor({ uai, platform: 'web', method: 'otp', provenBy }, now))
        if (n % 2) stream.decide((state) => pending.presentSecondFactor(state, { provenBy, now }))
      })
    },

    async rememberedDevice(n: number): Promise<void> {
      const uai = people[n % people.length]?.uai
      if (!uai) return
      await unit(async (work) => {
        const stream = work.start(devices.rememberedDevice, uuidv7(), { subject: uai })
        stream.decide(() => devices.remember({ uai, keyHash: `hash ${n}`, userAgent: 'Firefox', now: new Date() }))
        if (n % 3 === 1) stream.decide((state) => devices.forget(state, 'person'))
      })
    },

    async signInPlace(n: number): Promise<void> {
      const uai = people[n % people.length]?.uai
      if (!uai) return
      const place = { family: 'Firefox', network: `${uuidv7()}/24` }
      const facts = {
        uai,
        sessionId: uuidv7(),
        seenAt: 'account' as const,
        place,
        now: new Date(Date.UTC(2000, 0, ++days)),
      }
      await unit(async (work) => {
        const stream = work.start(places.signInPlace, uuidv7(), { subject: uai })
        stream.decide(() => places.seePlace({ ...facts, ...(n % 3 === 0 && { linkHash: 'hash' }) }))
        if (n % 3 === 1) stream.decide(places.disown)
      })
    },

    async change(n: number): Promise<void> {
      const uai = people[n % people.length]?.uai
      if (!uai) return
      await unit(async (work) => {
        const stream = await work.load(identities.identity, uai, { subject: uai })
        stream.decide((state) =>
          identities.changeIdentity(state, { plan: `plan_${n % 3}`, ...(n % 2 && { name: 'Ada' }) }),
        )
      })
    },

    async connection(n: number): Promise<void> {
      const settings = { slug: `provider-${uuidv7()}`, name: 'P', protocol: 'oidc' as const, domains: [] }
      const rest = { provision: true, trust_email: false, listed: true, id_jag: false, logout: false }
      await unit(async (work) => {
        const id = uuidv7()
        const stream = work.start(connection, id, {})
        stream.decide(() =>
          addConnection({ ...settings, ...rest }, n % 2 ? seal('connection-secret', 'secret', id) : undefined),
        )
        if (n % 3) stream.decide((state) => changeConnection(state, { secret: seal('connection-secret', 'newer', id) }))
        const [first, second] = [uuidv7(), uuidv7()]
        for (const keyId of [first, second]) {
          const sealed = seal('connection-key', 'PEM', keyId)
          stream.decide((state) => addConnectionKey(state, { keyId, certificate: 'PEM', sealed }))
        }
        if (n % 2) stream.decide((state) => activateConnectionKey(state, second))
        if (n % 4 === 3) stream.decide((state) => retireConnectionKey(state, first))
        if (n % 4 === 1) stream.decide((state) => disableConnection(state, 'operator'))
        if (n % 5 === 1) stream.decide((state) => removeConnection(state, 'operator'))
      })
    },
  }
}
