import type { BlockingTransaction, LogLag } from '../queries/log-lag.ts'

const MINUTE_SECONDS = 60
/** Checkpoints are made every five minutes; webhooks and waiting messages have a job of every minute and every hour. */
const LIMITS = { checkpoints: 15 * MINUTE_SECONDS, webhooks: 5 * MINUTE_SECONDS, messages: 75 * MINUTE_SECONDS }

export type LagProblem = {
  what: 'checkpoints' | 'webhooks' | 'messages' | 'partitions'
  detail: string
  /** For operators of the whole gateway: it names roles and databases. */
  cause?: string
  fix: string
  /** Worth a look, and not yet a fault. */
  minor?: boolean
  /** Whose webhook it is; problems without one concern everybody. */
  organizationId?: string | null
}

const minutes = (seconds: number) => `${Math.round(seconds / MINUTE_SECONDS)} minutes`
const RUN_JOBS = 'Let the scheduled jobs run: the server does by itself, on Netlify the functions of a published deploy'

function blockerText({ pid, prepared, database, role, application, client, state, started_at }: BlockingTransaction) {
  const who = prepared === null ? `backend ${pid}` : `prepared transaction ${prepared}`
  const more = [
    role && `role ${role}`,
    database && `database ${database}`,
    application && `application ${application}`,
    client && `from ${client}`,
    state,
    started_at && `since ${started_at.toISOString()}`,
  ].filter(Boolean)
  return `${who} (${more.join(', ')})`
}

const endIt = ({ pid, prepared }: BlockingTransaction) =>
  prepared === null
    ? `End its transaction, or the backend: select pg_terminate_backend(${pid})`
    : `Decide it: rollback prepared '${prepared}', or commit prepared`

/** What follows the log too far behind it, and why. An open transaction that wrote holds up checkpoints and webhooks alike. */
export function lagProblems(lag: LogLag, publishes: boolean): LagProblem[] {
  const { blocking } = lag
  const cause = blocking ? `the log cannot settle because of ${blockerText(blocking)}` : undefined
  const unsettled = (fix: string) => ({ cause, fix: blocking ? endIt(blocking) : fix })
  const problems: LagProblem[] = []
  const add = (what: LagProblem['what'], detail: string, more: Omit<LagProblem, 'what' | 'detail'>) =>
    void problems.push({ what, detail, ...more })

  if (lag.uncoveredAge > LIMITS.checkpoints)
    add('checkpoints', `events of the last ${minutes(lag.uncoveredAge)} are under no checkpoint`, unsettled(RUN_JOBS))
  if (publishes && lag.unpublishedAge > LIMITS.checkpoints)
    add('checkpoints', `a checkpoint has waited to be published for ${minutes(lag.unpublishedAge)}`, {
      fix: 'The log of the gateway says why CHECKPOINT_URL or CHECKPOINT_FILE cannot be written',
    })
  for (const { id, name, organization_id: organizationId, seconds, events, dead } of lag.webhooks) {
    const which = `webhook ${name} (${id})`
    if (seconds > LIMITS.webhooks)
      add('webhooks', `${which} is ${minutes(seconds)} behind, with ${events} events to look at`, {
        ...unsettled('GET /v1/webhooks/:id/deliveries says what it answered'),
        organizationId,
      })
    if (dead > 0)
      add('webhooks', `${which} did not take ${dead} events after all attempts`, {
        fix: 'Make it answer, then POST /v1/webhooks/:id/deliveries/retry',
        organizationId,
        minor: true,
      })
  }
  if (lag.unsentAge > LIMITS.messages)
    add('messages', `a message has waited to be sent for ${minutes(lag.unsentAge)}`, {
      fix: 'npm run messages -- figures; the hourly job sends it once the edge functions take it',
    })
  if (!lag.partitionsAhead) add('partitions', 'next month has none', { fix: RUN_JOBS })
  else if (lag.strayStreams)
    add('partitions', 'some streams are in the default partition', { fix: RUN_JOBS, minor: true })
  return problems
}
