import type { BlockingTransaction, LogLag } from '../queries/log-lag.ts'

const MINUTE_SECONDS = 60
/** Checkpoints run every five minutes, webhooks every minute, waiting messages every hour. */
const LIMITS = { checkpoints: 15 * MINUTE_SECONDS, webhooks: 5 * MINUTE_SECONDS, messages: 75 * MINUTE_SECONDS }

type LagProblem = {
  what: 'checkpoints' | 'webhooks' | 'messages' | 'partitions'
  detail: string
  /** For operators of the whole gateway: it names roles and databases. */
  cause?: string
  fix: string
  /** A warning, not an error. */
  minor?: boolean
  /** The organization of the webhook; problems without one concern every operator. */
  organizationId?: string | null
}

const minutes = (seconds: number) => `${Math.round(seconds / MINUTE_SECONDS)} minutes`
const RUN_JOBS =
  'Run the scheduled jobs: the server does so automatically, on Netlify the functions of a published deploy'

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

/** Returns what lags behind the log, and why. An open transaction that has written delays checkpoints and webhooks. */
export function lagProblems(lag: LogLag, publishes: boolean): LagProblem[] {
  const { blocking } = lag
  const cause = blocking ? `the log cannot settle because of ${blockerText(blocking)}` : undefined
  const unsettled = (fix: string) => ({ cause, fix: blocking ? endIt(blocking) : fix })
  const problems: LagProblem[] = []
  const add = (what: LagProblem['what'], detail: string, more: Omit<LagProblem, 'what' | 'detail'>) =>
    void problems.push({ what, detail, ...more })

  if (lag.uncoveredAge > LIMITS.checkpoints)
    add('checkpoints', `events of the last ${minutes(lag.uncoveredAge)} have no checkpoint`, unsettled(RUN_JOBS))
  if (publishes && lag.unpublishedAge > LIMITS.checkpoints)
    add('checkpoints', `a checkpoint has waited to be published for ${minutes(lag.unpublishedAge)}`, {
      fix: 'See the log of the gateway for why CHECKPOINT_URL or CHECKPOINT_FILE cannot be written',
    })
  for (const { id, name, organization_id: organizationId, seconds, events, dead } of lag.webhooks) {
    const which = `webhook ${name} (${id})`
    if (seconds > LIMITS.webhooks)
      add('webhooks', `${which} is ${minutes(seconds)} behind, with ${events} events to process`, {
        ...unsettled('See GET /v1/webhooks/:id/deliveries for its responses'),
        organizationId,
      })
    if (dead > 0)
      add('webhooks', `${which} did not accept ${dead} events after all attempts`, {
        fix: 'Fix the endpoint, then POST /v1/webhooks/:id/deliveries/retry',
        organizationId,
        minor: true,
      })
  }
  if (lag.unsentAge > LIMITS.messages)
    add('messages', `a message has waited to be sent for ${minutes(lag.unsentAge)}`, {
      fix: 'npm run messages -- figures; the hourly job sends it once the edge functions accept it',
    })
  if (!lag.partitionsAhead) add('partitions', 'the partition of the next month is missing', { fix: RUN_JOBS })
  else if (lag.strayStreams)
    add('partitions', 'some streams are in the default partition', { fix: RUN_JOBS, minor: true })
  return problems
}
