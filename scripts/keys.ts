import type { Gateway } from '../shared/gateway.ts'
import { OVERLAP_SECONDS, rotateKeys } from '../shared/oauth/token/rotate-keys.ts'
import { listSigningKeys, type SigningKeyRow } from '../shared/queries/signing-keys.ts'
import { accountName, asOwner, operatorProgram } from './lib/operator.ts'
import { rewrapKeys } from './lib/rewrap.ts'
import { type RotatedRoot, rotateRootOf } from './lib/rotate-root.ts'
import type { Rewrapped } from './lib/sealed-values.ts'
import { table, wholeNumber } from './lib/terminal.ts'

const USAGE = `npm run keys -- list
npm run keys -- rotate [--overlap <seconds> | --withdraw]
npm run keys -- rotate-root
npm run keys -- rewrap [--known <seconds>] [--overlap <seconds>]

rotate publishes a new key per algorithm and Supabase project, which signs after the overlap (${OVERLAP_SECONDS} s, so that every cache of the key set
has it by then; an hour at least for Supabase projects); the old keys stay published until the last token that they signed has expired.
--overlap 0 signs with the new keys at once. --withdraw also ends the old ones, after a key has leaked: tokens that they signed are
refused, here within a minute, elsewhere when the key set is read again.
rotate-root seals the key ring under the first configured root (AUTH_MASTER_SECRET=new|old, deployed everywhere before); the
keys stay the same, and the old root opens nothing afterwards. Run it again if it was interrupted.
rewrap seals everything that is stored sealed again under new keys of the ring, after a leak of the root with a dump, and removes
the older keys. It waits until every process knows the new keys (--known, 2.5 times KEY_RING_SECONDS), and then for the overlap, in which links and
forms that the older keys sealed are still taken. Run it again if it was interrupted.
--json prints JSON. Exit code 1: refused, 2: wrong usage.`

async function listKeys({ reads }: Gateway) {
  const keys = await listSigningKeys(reads)
  const now = new Date()
  const signing = ({ alg, resource_id }: SigningKeyRow) => {
    const active = keys.filter((key) => key.alg === alg && key.resource_id === resource_id && key.active_from <= now)
    return active.findLast((key) => !key.expires_at) ?? active.at(-1)
  }
  const use = (key: SigningKeyRow) => {
    if (key.active_from > now && !key.expires_at) return 'signs later'
    return key === signing(key) ? 'signs' : 'verifies'
  }
  return keys.map((key) => ({
    kid: key.kid,
    alg: key.alg,
    ...(key.resource_id && { resource: key.resource_id }),
    use: use(key),
    active_from: key.active_from.toISOString(),
    ...(key.expires_at && { expires_at: key.expires_at.toISOString() }),
  }))
}

/** The signing keys, the root of the key ring, or what was sealed again. */
type Result = Awaited<ReturnType<typeof listKeys>> | RotatedRoot | Rewrapped

const rootText = ({ root, previous, rotated }: RotatedRoot) =>
  rotated
    ? `The key ring is sealed under ${root} now, no longer under ${previous}.`
    : `The key ring is sealed under ${root} already.`

const rewrapText = ({ epoch, batches, values }: Rewrapped) =>
  `${values} values were sealed again in ${batches} batches, under keys of epoch ${epoch}. The older keys are gone.`

/** Operator command: lists and rotates signing keys, and replaces the root and the keys of the key ring. */
export const keys = await operatorProgram(import.meta.url, {
  usage: USAGE,
  options: {
    overlap: { type: 'string', default: String(OVERLAP_SECONDS) },
    known: { type: 'string' },
    withdraw: { type: 'boolean' },
  },
  readInput: ({ flags }) => ({
    overlapSeconds: wholeNumber('overlap', flags.overlap),
    knownSeconds: flags.known === undefined ? undefined : wholeNumber('known', flags.known),
  }),
  actions: {
    list: ({ gateway }): Promise<Result> => listKeys(gateway),
    'rotate-root': ({ gateway, terminal }) => asOwner(terminal, gateway, rotateRootOf),
    rewrap: ({ gateway, terminal, input }) => asOwner(terminal, gateway, (owner) => rewrapKeys(owner, input)),
    async rotate({ gateway, input, flags: { withdraw } }) {
      const actor = { type: 'operator' as const, id: accountName() }
      await rotateKeys(gateway, actor, withdraw ? 0 : input.overlapSeconds)
      if (withdraw) await gateway.keys.withdrawRetired(actor)
      return listKeys(gateway)
    },
  },
  print(result) {
    if ('epoch' in result) return { json: result, text: rewrapText(result) }
    if (!Array.isArray(result)) return { json: result, text: rootText(result) }
    const listed = result
    const rows = listed.map((key) => ({ ...key, expires_at: key.expires_at ?? '-', resource: key.resource ?? '' }))
    return { json: listed, text: table(rows) || 'no keys yet: the first token creates them' }
  },
})
