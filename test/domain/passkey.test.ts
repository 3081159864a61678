import { expect, test } from 'vitest'
import { passkey, registerPasskey, removePasskey, usePasskey } from '../../shared/domain/passkey.ts'
import { given } from '../support/given.ts'

const flags = { backupEligible: false, backedUp: false, signCount: 5 }
const facts = { uai: 'uai', rpId: 'localhost', aaguid: 'model', transports: ['usb'], ...flags }
const names = { name: 'Key', credentialId: 'id', publicKey: 'key' }
const registered = registerPasskey(passkey.initial, { ...facts, ...names }).events
const use = { ...flags, purpose: 'sign_in' as const }
const state = given(passkey, ...registered)

test('registered: the facts in plain text, the rest personal and found by its digest', () => {
  expect(registered).toEqual([
    { type: 'PasskeyRegistered', data: facts, personal: names, lookups: [{ kind: 'passkey', value: 'id' }] },
  ])
})

test('used: with a higher count', () => {
  state
    .when((now) => usePasskey(now, { ...use, signCount: 6 }))
    .then([{ type: 'PasskeyUsed', data: { purpose: 'sign_in', signCount: 6, backedUp: false } }])
})

test.each([5, 4, 0])('passkey_cloned: count %i after 5, and then always', (signCount) => {
  const data = { purpose: 'sign_in' as const, signCount: 5, presented: signCount }
  const regressed = { type: 'PasskeyCounterRegressed' as const, data }
  state.when((now) => usePasskey(now, { ...use, signCount })).then([regressed], 'passkey_cloned')
  given(passkey, ...registered, regressed)
    .when((now) => usePasskey(now, { ...use, signCount: 9 }))
    .then([], 'passkey_cloned')
})

test('passkey_invalid: another backup eligibility, or removed', () => {
  state.when((now) => usePasskey(now, { ...use, signCount: 6, backupEligible: true })).then([], 'passkey_invalid')
  const removed = { type: 'PasskeyRemoved' as const, data: { reason: 'person' } }
  state.when((now) => removePasskey(now, 'person')).then([removed])
  given(passkey, ...registered, removed)
    .when((now) => usePasskey(now, { ...use, signCount: 6 }))
    .then([], 'passkey_invalid')
})
