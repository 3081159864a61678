import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { logOrigins } from '../shared/queries/audit-tree.ts'
import { changeLogOrigin, recordRestore } from './lib/audit-log.ts'
import { exportEvents } from './lib/export-events.ts'
import { findSecrets, openersOf, readKept } from './lib/kept-checkpoints.ts'
import { operatorConnection } from './lib/operator-environment.ts'
import { isEqual, type Rebuilt, rebuildModels } from './lib/rebuild-models.ts'
import { folderOf, program, RefusedError, type Terminal, table, UsageError, wholeNumber } from './lib/terminal.ts'
import { type Verification, verifyEvents } from './lib/verify-events.ts'

const ROWS_SHOWN = 20

const USAGE = `npm run events -- verify [--checkpoint <file>] [--key <verifier key>] [--archives <folder>] [--json]
                                              walks every chain, rebuilds the audit tree, compares both with the signed
                                              checkpoints, and names the first broken event of each kind
npm run events -- rebuild [model…] [--json]   rebuilds read models and compares them with the live ones
npm run -s events -- export [--after <n>]     prints every event as JSON Lines, for scripts/verify-export.mjs
npm run events -- after-restore --reason … [--keep-sessions]
                                              records that the database was restored from a backup that is older than the
                                              checkpoint kept outside, so that it may be served again, and ends every session
npm run events -- origin [<name> --reason …]  shows the name that the log is signed under and its verifier key, or changes it

They read DATABASE_MIGRATION_URL, else DATABASE_URL, else the database of npm run dev. Exit code 1: something is wrong.
--checkpoint is a note kept from earlier, or the file of CHECKPOINT_FILE: the log must still begin with what it covers.
--archives is the folder with the files of npm run archive: each must be unchanged.
--key checks signatures if AUTH_MASTER_SECRET (or AUDIT_SIGNING_KEY) is not set; one for each name that the log had.
With AUTH_MASTER_SECRET (or another root), verify also checks the keys that personal data is sealed under.`

function verificationText({ ok, events, streams, faults }: Verification): string {
  const lines = faults.map(({ fault, meaning, count, first }) => {
    const { position, stream_type, stream_id, version, type, table: where, detail } = first
    const event = [position && `position ${position}`, version && `version ${version}`, type].filter(Boolean).join(', ')
    const place = [where && `${where},`, stream_type, stream_id, event, detail].filter(Boolean).join(' ')
    return `${fault} (${count}): ${meaning}\n  first: ${place}`
  })
  return [...lines, `${events} events in ${streams} streams: ${ok ? 'every chain holds' : 'BROKEN'}`].join('\n')
}

function rebuildText(results: Rebuilt[]): string {
  const outcome = (one: Rebuilt) => {
    if (one.failure) return `FAILED: ${one.failure}`
    return isEqual(one) ? 'equal' : `DIFFERS: ${one.onlyLive.length} live, ${one.onlyRebuilt.length} rebuilt`
  }
  const rows = results.map((one) => ({ 'read model': one.model, rows: String(one.rows), outcome: outcome(one) }))
  const shown = (sign: string, model: string, rows: object[]) => [
    ...rows.slice(0, ROWS_SHOWN).map((row) => `${sign} ${model} ${JSON.stringify(row)}`),
    ...(rows.length > ROWS_SHOWN ? [`${sign} ${model} … and ${rows.length - ROWS_SHOWN} more (--json has all)`] : []),
  ]
  const differing = results.flatMap(({ model, onlyLive, onlyRebuilt }) => [
    ...shown('-', model, onlyLive),
    ...shown('+', model, onlyRebuilt),
  ])
  return [table(rows), ...differing].join('\n')
}

const options = {
  json: { type: 'boolean' },
  after: { type: 'string', default: '0' },
  checkpoint: { type: 'string' },
  key: { type: 'string', multiple: true },
  reason: { type: 'string' },
  'keep-sessions': { type: 'boolean' },
  archives: { type: 'string' },
} as const

async function command(args: string[], terminal: Terminal): Promise<number> {
  const { env, out, err } = terminal
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
  const [action = '', ...models] = positionals
  if (!['verify', 'rebuild', 'export', 'origin', 'after-restore'].includes(action))
    throw new UsageError(`There is no "${action}"`)
  if (action === 'origin') return changeLogOrigin(terminal, models, values.reason)
  if (action !== 'rebuild' && models.length > 0) throw new UsageError(`${action} takes no names`)
  if (action === 'after-restore') return recordRestore(terminal, values.reason, values['keep-sessions'])
  const after = wholeNumber('after', values.after)
  const sql = operatorConnection(env, 'events')
  try {
    if (action === 'verify') {
      const { signerFor, ring } = await findSecrets(env, sql)
      const origins = await logOrigins(sql)
      const keys = values.key ?? (signerFor && origins.map((origin) => signerFor(origin).verifierKey))
      const { openNote, openText } = keys ? openersOf(keys) : {}
      if (!openNote) err('No key to check the signatures of checkpoints: give --key')
      if (!ring) err('No root opens the key ring of this database: the keys of personal data were not checked')
      const known =
        values.checkpoint === undefined ? [] : readKept(resolve(env.INIT_CWD ?? '', values.checkpoint), openNote)
      const archives = values.archives === undefined ? undefined : folderOf(terminal, values.archives)
      const verification = await verifyEvents(sql, { keys, openNote, openText, known, archives, ring })
      if (verification.archives > 0 && archives === undefined)
        err(`The files of ${verification.archives} archives were not checked: give --archives`)
      out(values.json ? JSON.stringify(verification, null, 2) : verificationText(verification))
      return verification.ok ? 0 : 1
    }
    if (action === 'export') {
      const { signerFor } = await findSecrets(env, sql)
      await exportEvents(sql, String(after), signerFor, out)
      return 0
    }
    const results = await rebuildModels(sql, models)
    const unknown = models.filter((model) => !results.some((one) => one.model === model))
    if (unknown.length > 0) throw new RefusedError(`There is no read model ${unknown.join(', ')}`)
    out(values.json ? JSON.stringify(results, null, 2) : rebuildText(results))
    return results.every(isEqual) ? 0 : 1
  } finally {
    await sql.end()
  }
}

/** Operator command: verifies and exports the event store, and rebuilds the read models. */
export const events = await program(import.meta.url, USAGE, command)
