import type { Challenge } from 'altcha-lib'
import * as z from 'zod/mini'
import type { Gateway } from '../gateway.ts'
import { once } from '../once.ts'
import { claimOnce } from '../queries/replay-guard.ts'

const ALGORITHM = 'PBKDF2/SHA-256'
/** Rounds per attempt; a prefix of one byte takes 256 attempts on average: a second or two in a browser. */
const ROUNDS = 5000
const LIFE_SECONDS = 600

/** Loaded at first use, so that cold starts stay short. */
const library = () => import('./work-library.ts')

const secretOf = ({ ring }: Gateway) => Buffer.from(ring.key('proof-of-work')).toString('base64')
const purposeOf = ({ personal }: Gateway, step: string) => personal.digest(`work ${step}`).toString('base64url')

/** Creates an ALTCHA challenge (version 2) whose solution is valid for one step. */
export async function newWork(gateway: Gateway, step: string): Promise<Challenge> {
  const { createChallenge, deriveKey } = await library()
  return createChallenge({
    algorithm: ALGORITHM,
    cost: ROUNDS,
    keyPrefix: '00',
    deriveKey,
    data: { for: purposeOf(gateway, step) },
    expiresAt: new Date(gateway.now().getTime() + LIFE_SECONDS * 1000),
    hmacSignatureSecret: secretOf(gateway),
  })
}

const payload = once(() =>
  z.object({
    challenge: z.object({
      parameters: z.looseObject({
        algorithm: z.literal(ALGORITHM),
        nonce: z.string(),
        salt: z.string(),
        cost: z.literal(ROUNDS),
        keyLength: z.number(),
        keyPrefix: z.string(),
        expiresAt: z.number(),
        data: z.object({ for: z.string() }),
      }),
      signature: z.string(),
    }),
    solution: z.object({ counter: z.number(), derivedKey: z.string(), time: z._default(z.number(), 0) }),
  }),
)

function readPayload(text: string) {
  try {
    return payload().safeParse(JSON.parse(Buffer.from(text, 'base64').toString())).data
  } catch {
    return undefined
  }
}

/** Claims a solved challenge for this step, in base64; false if it is invalid or was used before. */
export async function checkWork(gateway: Gateway, text: string, step: string): Promise<boolean> {
  const read = text.length <= 4000 ? readPayload(text) : undefined
  if (!read) return false
  const { parameters } = read.challenge
  if (parameters.data.for !== purposeOf(gateway, step)) return false
  const { verifySolution, deriveKey } = await library()
  const { verified } = await verifySolution({ ...read, deriveKey, hmacSignatureSecret: secretOf(gateway) })
  if (!verified) return false
  return claimOnce(gateway.reads, 'work', [parameters.nonce], new Date(parameters.expiresAt * 1000))
}
