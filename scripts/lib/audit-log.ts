import { checkpointSigner, currentSigner } from '../../shared/audit/checkpoints.ts'
import { findLostHistory } from '../../shared/audit/lost-history.ts'
import { AUDIT_LOG_ID, auditLog, changeOrigin, restoreLog } from '../../shared/domain/audit-log.ts'
import { logOrigin } from '../../shared/queries/audit-tree.ts'
import { endAll } from './end-all.ts'
import { act, asOwner, withGateway } from './operator.ts'
import { RefusedError, type Terminal, UsageError } from './terminal.ts'

const STEPS = `The data is now as it was at the time of the backup. Before you serve:
  1. erase again the people who were erased since (see their receipts, or the IdentityErased webhooks)
  2. revoke again what was revoked since: keys, applications, connections
docs/operations.md has the whole procedure.`

/**
 * Records that the database was restored from a backup that is older than the checkpoint kept outside, so that it may be served again. From
 * then on the log is signed under another name, since two histories under one name would look like a forgery. Before that it ends every
 * session: those that were ended since would be valid again, and so would refresh tokens that were used since.
 * @param keepSessions leaves the sessions of the backup
 * @throws RefusedError when nothing is lost, or there is no checkpoint to compare with
 */
export function recordRestore(terminal: Terminal, reason = '', keepSessions = false): Promise<number> {
  if (!reason) throw new UsageError('Say why: --reason')
  return withGateway(terminal, async (gateway) => {
    const { CHECKPOINT_FILE, CHECKPOINT_URL } = gateway.config
    if (!CHECKPOINT_FILE && !CHECKPOINT_URL)
      throw new RefusedError(
        'Set CHECKPOINT_FILE or CHECKPOINT_URL: without a kept checkpoint nothing shows what is lost',
      )
    const lost = await findLostHistory(gateway)
    if (!lost) throw new RefusedError('The database has everything that the kept checkpoint covers: nothing to record')
    const { kept, size, common } = lost
    if (!common)
      throw new RefusedError(
        'The database does not begin with any kept checkpoint of this log: its log was rewritten, or the file of kept checkpoints is incomplete',
      )
    const ended = keepSessions ? 0 : await asOwner(terminal, gateway, (owner) => endAll(owner, reason))
    const state = await act(gateway, async (work) => {
      const stream = await work.load(auditLog, AUDIT_LOG_ID, {})
      const restore = {
        size: common.size,
        root: common.root.toString('base64'),
        kept: { size: kept.size, root: kept.root.toString('base64') },
        reason,
        sign: (origin: string, statement: string) => checkpointSigner(gateway, origin).signText(statement),
      }
      return stream.decide((before) => restoreLog(before, { ...restore, origin: kept.origin }))
    })
    const origin = state.status === 'begun' ? state.origin : ''
    terminal.out(
      `The kept checkpoint covers ${kept.size} events, the database ${size}. From now on the log is signed as ${origin}.`,
    )
    if (!keepSessions) terminal.out(`Sessions that were ended: ${ended}. People sign in again.`)
    terminal.out(STEPS)
    return 0
  })
}

/**
 * Shows the name that the log is signed under, or changes it from the next checkpoint on, as an event.
 * @throws RefusedError before the first checkpoint
 */
export function changeLogOrigin(terminal: Terminal, [origin, ...more]: string[], reason = ''): Promise<number> {
  if (more.length > 0) throw new UsageError('origin takes one name')
  if (origin !== undefined && !/^[^\s+]{1,200}$/.test(origin))
    throw new UsageError('The name is a URL without its scheme, such as auth.example.com/audit')
  if (origin !== undefined && !reason) throw new UsageError('Say why: --reason')
  return withGateway(terminal, async (gateway) => {
    if (origin !== undefined) {
      if (!(await logOrigin(gateway.reads))) throw new RefusedError('The log gets its name with its first checkpoint')
      await act(gateway, async (work) => {
        const log = await work.load(auditLog, AUDIT_LOG_ID, {})
        log.decide((state) => changeOrigin(state, { origin, reason }))
      })
    }
    const signer = await currentSigner(gateway)
    terminal.out(`signed as ${signer.origin}\nverifier key ${signer.verifierKey}`)
    return 0
  })
}
