import { words } from './account-words.ts'
import { Scopes, Time } from './api-key-parts.tsx'
import { fill } from './copy.ts'
import { Fact, Hidden, Name } from './layout.tsx'
import { displayName } from './safe.ts'

/** An application that has tokens or the consent of the person. */
export type ShownApplication = {
  client_id: string
  client_name: string
  scopes: string[]
  since: Date
  last_used_at: Date | null
}

type Form = Record<string, string>
type Props = { base: string; form: Form; applications: ShownApplication[]; now: Date }

/** Lists what a person allowed applications to do, with buttons to revoke it. */
export function AccountApplications({ base, form, applications, now }: Props) {
  return (
    <section aria-labelledby="applications">
      <h2 id="applications">{words.applications}</h2>
      {applications.length === 0 && <p class="note">{words.noApplications}</p>}
      <ul class="cards">
        {applications.map((application) => (
          <li>
            <Application application={application} base={base} form={form} now={now} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Application(props: { application: ShownApplication; base: string; form: Form; now: Date }) {
  const { application, base, form, now } = props
  const { client_id, client_name, scopes, since, last_used_at } = application
  const name = displayName(client_name, words.unnamed)
  return (
    <article class="row">
      <div>
        <h3>
          <Name>{name}</Name>
        </h3>
        <Scopes scopes={scopes} most={4} />
        <dl class="pairs">
          <Fact term={words.connected}>
            <Time at={since} now={now} />
          </Fact>
          {last_used_at && (
            <Fact term={words.lastUsed}>
              <Time at={last_used_at} now={now} />
            </Fact>
          )}
        </dl>
      </div>
      <form method="post" action={`${base}/agents/cut-off`}>
        <Hidden fields={{ ...form, client_id, back: 'account' }} />
        <button class="button small" type="submit" aria-label={fill(words.withdrawFrom, { name }).join('')}>
          {words.withdraw}
        </button>
      </form>
    </article>
  )
}
