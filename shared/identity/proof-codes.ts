import { randomInt } from 'node:crypto'
import type { Gateway } from '../gateway.ts'
import type { OperatorCodeRecord, Proofs, RecoveryRecord, TotpRecord } from '../queries/proofs.ts'
import { equalHash } from '../tokens/opaque.ts'
import { matchingStep } from '../tokens/totp.ts'

/** Letters and digits that nobody mistakes for one another, and no vowels, so that no words come of them. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ23456789'
const RECOVERY_LENGTH = 12
/** Of each part of an operator's code. */
const PART_LENGTH = 8

const randomCode = (length: number) => Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
export const newRecoveryCode = () => randomCode(RECOVERY_LENGTH)
export const newCodePart = () => randomCode(PART_LENGTH)

/** In groups of four, as people read and type it. */
export const grouped = (code: string) => code.replace(/.{4}(?!$)/g, '$&-')

/** A presented code without what people put between its characters. */
const plain = (code: string) => code.replace(/[\s-]/g, '').toUpperCase()

/** Whether a code is so short that enough tries would hit one. */
export const isGuessable = (code: string) => /^\d{6}$/.test(plain(code))

export type RightCode =
  | { right: true; method: 'totp'; record: TotpRecord; step: number }
  | { right: true; method: 'recovery_code'; record: RecoveryRecord; codeHash: string }
  | { right: true; method: 'operator_code'; record: OperatorCodeRecord }

/** What a presented code is right for, or what it was tried on in vain. */
export type Match = RightCode | { right: false; tried: Omit<Proofs, 'wait'> }

const NOTHING = { authenticators: [], recoveryCodes: [], operatorCodes: [] }

/** Tells by its shape what a code can be, and whether it is right for one of the proofs. */
export function matchCode(gateway: Gateway, proofs: Proofs, presented: string, now: Date): Match {
  const code = plain(presented)
  if (/^\d{6}$/.test(code)) return matchTotp(proofs, code, now)
  if (code.length === RECOVERY_LENGTH) return matchRecovery(gateway, proofs, code)
  if (code.length === PART_LENGTH || code.length === 2 * PART_LENGTH) {
    const record = proofs.operatorCodes.find((one) => isWhole(gateway, one, code))
    if (record) return { right: true, method: 'operator_code', record }
    return { right: false, tried: { ...NOTHING, operatorCodes: proofs.operatorCodes } }
  }
  return { right: false, tried: NOTHING }
}

function matchTotp({ authenticators }: Proofs, code: string, now: Date): Match {
  const right = authenticators.flatMap((record) => {
    const step = record.secret === undefined ? undefined : matchingStep(record.secret, code, now)
    return step === undefined ? [] : [{ record, step }]
  })
  const found = right.find(({ record, step }) => step > record.state.lastStep) ?? right[0]
  if (found) return { right: true, method: 'totp', ...found }
  return { right: false, tried: { ...NOTHING, authenticators } }
}

function matchRecovery(gateway: Gateway, { recoveryCodes }: Proofs, code: string): Match {
  for (const record of recoveryCodes) {
    const codeHash = gateway.hashCode(record.id, code)
    if (record.state.codeHashes.some((one) => equalHash(one, codeHash)))
      return { right: true, method: 'recovery_code', record, codeHash }
  }
  return { right: false, tried: { ...NOTHING, recoveryCodes } }
}

/** Whether a presented code is all parts of an operator's code, in whatever order they were read out. */
function isWhole(gateway: Gateway, { id, state }: OperatorCodeRecord, code: string): boolean {
  const parts = code.match(new RegExp(`.{${PART_LENGTH}}`, 'g')) ?? []
  const hashes = parts.map((one) => gateway.hashCode(id, one))
  return (
    hashes.length === state.partHashes.length &&
    state.partHashes.every((known) => hashes.some((one) => equalHash(known, one)))
  )
}
