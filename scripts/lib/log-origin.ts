import { currentSigner } from '../../shared/audit/checkpoints.ts'
import { AUDIT_LOG_ID, auditLog, changeOrigin } from '../../shared/domain/audit-log.ts'
import { logOrigin } from '../../shared/queries/audit-tree.ts'
import { act, withGateway } from './operator.ts'
import { RefusedError, type Terminal, UsageError } from './terminal.ts'

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
