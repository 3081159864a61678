import { parseArgs } from 'node:util'
import type { Gateway } from '../shared/gateway.ts'
import { OVERLAP_SECONDS, rotateKeys } from '../shared/oauth/token/rotate-keys.ts'
import { listSigningKeys, type SigningKeyRow } from '../shared/queries/signing-keys.ts'
import { accountName, withGateway } from './lib/operator.ts'
import { program, runAsProgram, type Terminal, table, UsageError, wholeNumber } from './lib/terminal.ts'

const USAGE = `npm run keys -- list
npm run keys -- rotate [--overlap <seconds>]

rotate publishes a new key per algorithm, which signs after the overlap (${OVERLAP_SECONDS} s, so that every cache of the key set
has it by then); the old keys stay published until the last token that they signed has expired.
--overlap 0 signs with the new keys at once, after a key was compromised.
--json prints JSON. Exit code 1: refused, 2: wrong usage.`

type Listed = {
  kid: string
  alg: string
  use: 'signs' | 'signs later' | 'verifies'
  active_from: string
  expires_at?: string
}

async function listKeys({ reads }: Gateway): Promise<Listed[]> {
  const keys = await listSigningKeys(reads)
  const now = new Date()
  const signing = (alg: string) => keys.filter((key) => key.alg === alg && key.active_from <= now).at(-1)
  const use = (key: SigningKeyRow) => {
    if (key.active_from > now) return 'signs later'
    return key === signing(key.alg) ? 'signs' : 'verifies'
  }
  return keys.map((key) => ({
    kid: key.kid,
    alg: key.alg,
    use: use(key),
    active_from: key.active_from.toISOString(),
    ...(key.expires_at && { expires_at: key.expires_at.toISOString() }),
  }))
}

async function command(args: string[], terminal: Terminal): Promise<number> {
  const options = { json: { type: 'boolean' }, overlap: { type: 'string', default: String(OVERLAP_SECONDS) } } as const
  const { values: flags, positionals } = parseArgs({ args, allowPositionals: true, options })
  const action = positionals.join(' ')
  if (action !== 'list' && action !== 'rotate') throw new UsageError(`There is no "${action}"`)
  const overlap = wholeNumber('overlap', flags.overlap)
  return withGateway(terminal, async (gateway) => {
    if (action === 'rotate') await rotateKeys(gateway, { type: 'operator', id: accountName() }, overlap)
    const keys = await listKeys(gateway)
    const rows = keys.map((key) => ({ ...key, expires_at: key.expires_at ?? '-' }))
    terminal.out(
      flags.json ? JSON.stringify(keys, null, 2) : table(rows) || 'no keys yet: the first token creates them',
    )
    return 0
  })
}

/** Operator command: lists and rotates signing keys. */
export const keys = program(USAGE, command)

await runAsProgram(import.meta.url, keys)
