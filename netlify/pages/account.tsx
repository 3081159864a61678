import type { Access } from '../../shared/queries/agent-delegations.ts'
import type { MessageRecord } from '../../shared/queries/messages.ts'
import type { OperatorCodeListing } from '../../shared/queries/operator-codes.ts'
import type { PasskeyRecord } from '../../shared/queries/passkeys.ts'
import type { Person } from '../../shared/queries/person.ts'
import type { SessionListing } from '../../shared/queries/sessions.ts'
import { Passkeys } from './account-passkeys.tsx'
import { type Account, OperatorCodes, RememberedDevices, SecondFactors, SignInMethods } from './account-sign-in.tsx'
import { words } from './account-words.ts'
import { Scopes } from './api-key-parts.tsx'
import { fill } from './copy.ts'
import { ButtonForm, Form, type FormError, FormProblem, Submit } from './form-parts.tsx'
import { Fact, Layout, Name, Section } from './layout.tsx'
import { displayName } from './safe.ts'
import { Time, TimeFact } from './time.tsx'

type ShownSession = SessionListing & { current: boolean; device?: string; ip?: string }

type AccountProps = Parameters<typeof SignInMethods>[0] &
  Parameters<typeof SecondFactors>[0] &
  Parameters<typeof RememberedDevices>[0] & {
    person: Person
    /** Absent where passkeys are off. */
    passkeys?: { passkeys: PasskeyRecord[]; signals: object[] }
    operatorCodes: OperatorCodeListing[]
    sessions: ShownSession[]
    applications: Access[]
    messages: MessageRecord[]
    notice?: string
    error?: FormError
  }

/** A person's account: who they are, how they sign in, and where they are signed in. */
export function AccountPage(props: AccountProps) {
  const { base, csrf, now, person, notice, error } = props
  const { uai, name, email } = person
  const account = { base, csrf, now }
  return (
    <Layout title={words.title} notice={notice} wide failed={Boolean(error)}>
      <FormProblem error={error} />
      <Section id="profile" title={words.profile}>
        <dl class="facts">
          <Fact term={words.email}>
            <bdi>{email || words.noEmail}</bdi>
            {email && !person.emailVerified && <span class="tag">{words.unproven}</span>}
          </Fact>
          {name && (
            <Fact term={words.name}>
              <bdi>{displayName(name, '')}</bdi>
            </Fact>
          )}
          <Fact term={words.uai} mono>
            {uai}
          </Fact>
          <TimeFact term={words.since} at={person.createdAt} now={now} />
        </dl>
        <nav class="links" aria-label={words.more}>
          <a href={`${base}/api-keys`}>{words.keys}</a>
          <a href={`${base}/agents`}>{words.agents}</a>
          <a href="/web/logout">{words.signOut}</a>
        </nav>
      </Section>
      <SignInMethods {...account} methods={props.methods} providers={props.providers} byPhone={props.byPhone} />
      {props.passkeys && <Passkeys {...account} {...props.passkeys} />}
      <SecondFactors {...account} factors={props.factors} />
      <RememberedDevices {...account} devices={props.devices} />
      <OperatorCodes codes={props.operatorCodes} now={now} />
      <Merged {...account} merged={person.members.filter((one) => one !== uai)} />
      <Sessions {...account} sessions={props.sessions} />
      <Messages messages={props.messages} now={now} />
      <Applications {...account} applications={props.applications} />
      <Section id="erasure" title={words.erasure.title} note={words.erasure.lead}>
        <nav class="links" aria-label={words.erasure.title}>
          <a href="/v1/audit/export">{words.erasure.export}</a>
          <a href={`${base}/erase`}>{words.erasure.erase}</a>
        </nav>
      </Section>
    </Layout>
  )
}

/** Lists the accounts that were merged into this one. */
function Merged({ base, csrf, merged }: Account & { merged: string[] }) {
  if (merged.length === 0) return null
  return (
    <Section id="merged" title={words.merged}>
      <ul class="cards">
        {merged.map((uai) => (
          <li class="row">
            <span class="mono">{uai}</span>
            <ButtonForm
              action={`${base}/split`}
              csrf={csrf}
              hidden={{ uai }}
              text={words.split}
              label={fill(words.splitWhich, { name: uai }).join('')}
            />
          </li>
        ))}
      </ul>
    </Section>
  )
}

/** Lists where a person is signed in. */
function Sessions({ sessions, ...account }: Account & { sessions: ShownSession[] }) {
  return (
    <Section id="sessions" title={words.sessions}>
      <ul class="cards">
        {sessions.map((session) => (
          <Session {...session} {...account} />
        ))}
      </ul>
      {sessions.length > 1 && (
        <Form action={`${account.base}/sessions/end`} csrf={account.csrf} hidden={{ which: 'others' }} class="actions">
          <Submit kind="plain" text={words.endOthers} />
        </Form>
      )}
    </Section>
  )
}

function Session({ id, current, device, ip, base, csrf, now, ...used }: ShownSession & Account) {
  const name = displayName(device ?? '', words.unknown)
  return (
    <li class="row">
      <div>
        <h3>
          <Name>{name}</Name> {current && <span class="tag good">{words.here}</span>}
        </h3>
        <dl class="pairs">
          <TimeFact term={words.started} at={used.started_at} now={now} />
          <TimeFact term={words.lastSeen} at={used.last_seen_at ?? used.started_at} now={now} />
          {ip && <Fact term={words.from}>{ip}</Fact>}
        </dl>
      </div>
      {!current && (
        <ButtonForm
          action={`${base}/sessions/end`}
          csrf={csrf}
          hidden={{ which: id }}
          text={words.end}
          label={fill(words.endWhich, { name }).join('')}
        />
      )}
    </li>
  )
}

/** Returns what a message with this template is for. */
function kindOf(template: string): 'code' | 'link' | 'notice' {
  if (template.startsWith('otp.')) return 'code'
  return template.startsWith('magic_link.') ? 'link' : 'notice'
}

/** Lists the recent messages to a person with the delivery status from the providers. */
function Messages({ messages, now }: { messages: MessageRecord[]; now: Date }) {
  const text = words.messages
  if (messages.length === 0) return null
  return (
    <Section id="messages" title={text.title} note={text.lead}>
      <ul class="cards">
        {messages.map(({ channel, template, status, queued_at }) => (
          <li class="row">
            <div>
              <h3>{text[kindOf(template)][channel]}</h3>
              <p class="note">
                <Time at={queued_at} now={now} />
              </p>
            </div>
            <span class={status === 'delivered' ? 'tag good' : 'tag'}>{text.status[status]}</span>
          </li>
        ))}
      </ul>
    </Section>
  )
}

/** Lists what a person allowed applications to do, with buttons to revoke it. */
function Applications({ applications, ...account }: Account & { applications: Access[] }) {
  return (
    <Section
      id="applications"
      title={words.applications}
      note={applications.length === 0 ? words.noApplications : undefined}
    >
      <ul class="cards">
        {applications.map((application) => (
          <Application {...application} {...account} />
        ))}
      </ul>
    </Section>
  )
}

function Application({ client_id, client_name, scopes, base, csrf, now, ...used }: Access & Account) {
  const name = displayName(client_name, words.unnamed)
  return (
    <li class="row">
      <div>
        <h3>
          <Name>{name}</Name>
        </h3>
        <Scopes scopes={scopes} most={4} />
        <dl class="pairs">
          <TimeFact term={words.connected} at={used.since} now={now} />
          <TimeFact term={words.lastUsed} at={used.last_used_at} now={now} />
        </dl>
      </div>
      <ButtonForm
        action={`${base}/agents/cut-off`}
        csrf={csrf}
        hidden={{ client_id, back: 'account' }}
        text={words.withdraw}
        label={fill(words.withdrawFrom, { name }).join('')}
      />
    </li>
  )
}
