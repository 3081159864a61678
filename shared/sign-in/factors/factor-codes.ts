import { randomInt } from 'node:crypto'
import { equalHash } from '../../../packages/auth-server/src/equal-hash.ts'
import { GatewayError } from '../../errors.ts'
import type { Gateway } from '../../gateway.ts'
import type { CodeFactors, Factors, OperatorCodeRecord, RecoveryRecord, TotpRecord } from '../../queries/factors.ts'
import { matchingStep } from '../../tokens/totp.ts'
import { readDigitCode, readLetterCode } from '../../typed/text.ts'

/** Letters and digits that are easy to tell apart, without vowels, so that codes contain no words. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ23456789'
const RECOVERY_LENGTH = 12
/** Length of each part of an operator's code. */
const PART_LENGTH = 8

const randomCode = (length: number) => Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
export const newRecoveryCode = () => randomCode(RECOVERY_LENGTH)
export const newCodePart = () => randomCode(PART_LENGTH)

/** Formats a code in groups of four. */
export const grouped = (code: string) => code.replace(/.{4}(?!$)/g, '$&-')

/** A normalized code and the methods that its format allows. */
export type FactorCode = { method: RightCode['method']; code: string }

/**
 * @param methods the accepted kinds of codes
 * @throws GatewayError otp_malformed if it cannot be one of them; such a code is not counted
 */
export function readFactorCode(typed: unknown, methods: readonly FactorCode['method'][]): FactorCode {
  const letters = (length: number) => readLetterCode(typed, { alphabet: ALPHABET, length })
  const read = {
    totp: () => readDigitCode(typed),
    recovery_code: () => letters(RECOVERY_LENGTH),
    operator_code: () => letters(PART_LENGTH) ?? letters(2 * PART_LENGTH),
  }
  for (const method of methods) {
    const code = read[method]()
    if (code !== undefined) return { method, code }
  }
  throw new GatewayError('otp_malformed')
}

export type RightCode =
  | { right: true; method: 'totp'; record: TotpRecord; step: number }
  | { right: true; method: 'recovery_code'; record: RecoveryRecord; codeHash: string }
  | { right: true; method: 'operator_code'; record: OperatorCodeRecord }

/** The factor that a presented code matches, or those that it was compared with. */
export type Match = RightCode | { right: false; tried: CodeFactors }

const NOTHING = { authenticators: [], recoveryCodes: [], operatorCodes: [] }

/** Compares a code with the factors. */
export function matchCode(gateway: Gateway, factors: Factors, { method, code }: FactorCode, now: Date): Match {
  switch (method) {
    case 'totp':
      return matchTotp(factors, code, now)
    case 'recovery_code':
      return matchRecovery(gateway, factors, code)
    case 'operator_code': {
      const record = factors.operatorCodes.find((one) => isWhole(gateway, one, code))
      if (record) return { right: true, method: 'operator_code', record }
      return { right: false, tried: { ...NOTHING, operatorCodes: factors.operatorCodes } }
    }
  }
}

function matchTotp({ authenticators }: Factors, code: string, now: Date): Match {
  const right = authenticators.flatMap((record) => {
    const step = record.secret === undefined ? undefined : matchingStep(record.secret, code, now)
    return step === undefined ? [] : [{ record, step }]
  })
  const found = right.find(({ record, step }) => step > record.state.lastStep) ?? right[0]
  if (found) return { right: true, method: 'totp', ...found }
  return { right: false, tried: { ...NOTHING, authenticators } }
}

function matchRecovery(gateway: Gateway, { recoveryCodes }: Factors, code: string): Match {
  for (const record of recoveryCodes) {
    const codeHash = gateway.hashCode(record.id, code)
    if (record.state.codeHashes.some((one) => equalHash(one, codeHash)))
      return { right: true, method: 'recovery_code', record, codeHash }
  }
  return { right: false, tried: { ...NOTHING, recoveryCodes } }
}

/** Whether a presented code consists of all parts of an operator's code, in any order. */
function isWhole(gateway: Gateway, { id, state }: OperatorCodeRecord, code: string): boolean {
  const parts = code.match(new RegExp(`.{${PART_LENGTH}}`, 'g')) ?? []
  const hashes = parts.map((one) => gateway.hashCode(id, one))
  return (
    hashes.length === state.partHashes.length &&
    state.partHashes.every((known) => hashes.some((one) => equalHash(known, one)))
  )
}
