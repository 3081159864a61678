import type { Access } from '../../shared/queries/agent-delegations.ts'
import { AccountLayout, Item } from './account-layout.tsx'
import { Scopes } from './api-key-parts.tsx'
import { fill } from './copy.ts'
import {
  ButtonForm,
  ButtonLink,
  Buttons,
  Choices,
  Form,
  type FormError,
  ScopeChoices,
  TextField,
} from './form-parts.tsx'
import { Layout, Section } from './layout.tsx'
import { displayName } from './safe.ts'
import { TimeFact } from './time.tsx'

/** Every English sentence of the pages about agents and applications. */
export const words = {
  lead: 'These act for you. Revoking access takes effect immediately.',
  agents: 'Agents',
  noAgents: 'No agent acts for you.',
  add: 'Let an agent act for you',
  applications: 'Connected applications',
  noApplications: 'No application is connected to your account.',
  unnamed: 'Unnamed',
  may: 'It may',
  since: 'Since',
  used: 'Last used',
  until: 'Until',
  never: 'Never',
  from: 'From',
  cut: 'Revoke',
  cutWhom: 'Revoke {name}',
  done: { cut: 'It can no longer act for you.', delegated: 'The agent may act for you now.' },
  form: {
    title: 'Let an agent act for you',
    lead: 'The agent acts under its own name, with the permissions and for the time that you choose. You can revoke it at any time.',
    agent: 'Agent',
    agentHint: 'Its client id, or the https address that describes it',
    scopes: 'It may',
    days: 'For how long?',
    choices: { '1': 'One day', '7': 'One week', '30': '30 days', '90': '90 days' },
    submit: 'Allow the agent',
  },
} as const

type AgentsProps = {
  base: string
  csrf: string
  agents: Access[]
  applications: Access[]
  now: Date
  notice?: string
}

/** Lists the agents and applications that act for a person, with buttons to revoke them. */
export function AgentsPage({ agents, applications, notice, ...rest }: AgentsProps) {
  const lists = [
    { named: 'agent', title: words.agents, none: words.noAgents, entries: agents },
    { named: 'client_id', title: words.applications, none: words.noApplications, entries: applications },
  ] as const
  return (
    <AccountLayout section="applications" lead={words.lead} notice={notice}>
      <ButtonLink kind="small" href={`${rest.base}/new`} text={words.add} />
      {lists.map(({ named, title, none, entries }) => (
        <Section id={named} title={title} note={entries.length === 0 ? none : undefined}>
          <ul class="cards">
            {entries.map((entry) => (
              <Card {...rest} entry={entry} named={named} />
            ))}
          </ul>
        </Section>
      ))}
    </AccountLayout>
  )
}

type CardProps = { base: string; csrf: string; now: Date; entry: Access; named: 'agent' | 'client_id' }

function Card({ base, csrf, now, entry, named }: CardProps) {
  const name = displayName(entry.client_name, words.unnamed)
  const host = entry.origin === 'document' && URL.canParse(entry.client_id) ? new URL(entry.client_id).host : undefined
  return (
    <Item
      mark={{ initial: name }}
      title={name}
      action={
        <ButtonForm
          action={`${base}/cut-off`}
          csrf={csrf}
          hidden={{ [named]: named === 'agent' ? entry.id : entry.client_id }}
          text={words.cut}
          label={fill(words.cutWhom, { name }).join('')}
        />
      }
    >
      <p class="mono">
        <bdi>{displayName(host ?? entry.client_id, words.unnamed)}</bdi>
      </p>
      <Scopes scopes={entry.scopes} most={4} label={words.may} />
      <dl class="pairs">
        <TimeFact term={words.used} at={entry.last_used_at} otherwise={words.never} now={now} />
        <TimeFact term={words.since} at={entry.since} now={now} />
        <TimeFact term={words.until} at={entry.expires_at} now={now} />
      </dl>
    </Item>
  )
}

export type AgentFormValues = { clientId?: string; scopes: string[]; days: string }
type AgentFormProps = { action: string; csrf: string; scopes: string[]; values: AgentFormValues; error?: FormError }

/** Asks for an agent, its permissions and their duration. */
export function AgentFormPage({ action, csrf, scopes, values, error }: AgentFormProps) {
  const text = words.form
  return (
    <Layout title={text.title} lead={text.lead} failed={Boolean(error)} wide>
      <Form action={action} csrf={csrf} error={error}>
        <TextField
          name="client_id"
          label={text.agent}
          value={values.clientId}
          maxlength={2000}
          required
          focus
          autocapitalize="none"
          spellcheck={false}
          hint={text.agentHint}
        />
        <fieldset>
          <legend>{text.scopes}</legend>
          <div class="choices">
            <ScopeChoices scopes={scopes} chosen={values.scopes} />
          </div>
        </fieldset>
        <Choices legend={text.days} name="days" options={text.choices} chosen={values.days} />
        <Buttons submit={text.submit} backHref={action} />
      </Form>
    </Layout>
  )
}
