import { words } from './agents-words.ts'
import { Scopes, Time } from './api-key-parts.tsx'
import { fill, scopeSentence } from './copy.ts'
import { Buttons, Choice, type FormError, FormProblem } from './form-parts.tsx'
import { Hidden, Layout, Name, Notice } from './layout.tsx'
import { displayName } from './safe.ts'

/** Something that acts for a person. */
type Access = {
  id: string
  client_id: string
  client_name: string
  origin: string
  scopes: string[]
  since: Date
  last_used_at: Date | null
  expires_at: Date | null
}

type Form = { csrf: string }
type AgentsProps = Form & { base: string; agents: Access[]; applications: Access[]; now: Date; notice?: string }

/** Lists the agents and applications that act for a person, with buttons to revoke them. */
export function AgentsPage({ base, agents, applications, now, notice, ...form }: AgentsProps) {
  const lists: [key: string, title: string, none: string, entries: Access[]][] = [
    ['agent', words.agents, words.noAgents, agents],
    ['client_id', words.applications, words.noApplications, applications],
  ]
  return (
    <Layout title={words.title} wide>
      <h1>{words.title}</h1>
      <p class="lead">{words.lead}</p>
      <Notice text={notice} />
      <a class="button small" href={`${base}/new`}>
        {words.add}
      </a>
      {lists.map(([key, title, none, entries]) => (
        <section aria-labelledby={key}>
          <h2 id={key}>{title}</h2>
          {entries.length === 0 && <p class="note">{none}</p>}
          <ul class="cards">
            {entries.map((entry) => (
              <li>
                <Card base={base} entry={entry} named={key} now={now} form={form} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Layout>
  )
}

type CardProps = { base: string; entry: Access; named: string; now: Date; form: Form }

function Card({ base, entry, named, now, form }: CardProps) {
  const name = displayName(entry.client_name, words.unnamed)
  const host = entry.origin === 'document' && URL.canParse(entry.client_id) ? new URL(entry.client_id).host : undefined
  return (
    <article>
      <h3>
        <Name>{name}</Name>
      </h3>
      <p class="mono">
        <bdi>{displayName(host ?? entry.client_id, words.unnamed)}</bdi>
      </p>
      <Scopes scopes={entry.scopes} most={4} />
      <dl class="pairs">
        <Fact term={words.since} at={entry.since} now={now} />
        <Fact term={words.used} at={entry.last_used_at} now={now} />
        {entry.expires_at && <Fact term={words.until} at={entry.expires_at} now={now} />}
      </dl>
      <form method="post" action={`${base}/cut-off`}>
        <Hidden
          fields={{
            csrf: form.csrf,
            [named]: named === 'agent' ? entry.id : entry.client_id,
          }}
        />
        <button class="button small" type="submit" aria-label={fill(words.cutWhom, { name }).join('')}>
          {words.cut}
        </button>
      </form>
    </article>
  )
}

function Fact({ term, at, now }: { term: string; at: Date | null; now: Date }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{at ? <Time at={at} now={now} /> : words.never}</dd>
    </div>
  )
}

export type AgentFormValues = { clientId?: string; scopes: string[]; days: string }
type AgentFormProps = Form & { action: string; scopes: string[]; values: AgentFormValues; error?: FormError }

/** Asks for an agent, its permissions and their duration. */
export function AgentFormPage({ action, csrf, scopes, values, error }: AgentFormProps) {
  const text = words.form
  return (
    <Layout title={text.title} failed={Boolean(error)} wide>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <FormProblem error={error} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf }} />
        <label for="agent">{text.agent}</label>
        <input
          id="agent"
          name="client_id"
          type="text"
          maxlength={2000}
          required
          autofocus
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          value={values.clientId}
          aria-describedby="hint"
        />
        <p class="note" id="hint">
          {text.agentHint}
        </p>
        <fieldset>
          <legend>{text.scopes}</legend>
          <div class="choices">
            {scopes.map((scope) => (
              <Choice
                type="checkbox"
                name="scope"
                value={scope}
                checked={values.scopes.includes(scope)}
                label={scopeSentence(scope).sentence}
              />
            ))}
          </div>
        </fieldset>
        <fieldset>
          <legend>{text.days}</legend>
          {Object.entries(text.choices).map(([days, label]) => (
            <Choice type="radio" name="days" value={days} checked={values.days === days} label={label} />
          ))}
        </fieldset>
        <Buttons submit={text.submit} cancel={text.cancel} backHref={action} />
      </form>
    </Layout>
  )
}
