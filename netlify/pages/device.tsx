import { describeUserAgent } from '../../shared/http/user-agent.ts'
import { Time } from './api-key-parts.tsx'
import { Standing } from './consent-client.tsx'
import { scopeSentence } from './copy.ts'
import { words } from './device-words.ts'
import { type FormError, FormProblem } from './form-parts.tsx'
import { Hidden, Layout, Name, Sentence } from './layout.tsx'
import { displayName } from './safe.ts'

const named = (client: string) => <Name>{displayName(client, 'An unnamed application')}</Name>

/** Asks for the code that the device shows. */
export function EnterCodePage({ action, value, error }: { action: string; value?: string; error?: FormError }) {
  const text = words.enter
  return (
    <Layout title={text.title} failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <FormProblem error={error} />
      <form method="get" action={action}>
        <label for="code">{text.label}</label>
        <input
          id="code"
          name="code"
          type="text"
          class="code"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck={false}
          maxlength={20}
          required
          autofocus
          value={value}
          aria-invalid={error ? 'true' : undefined}
          aria-describedby={error ? 'problem hint' : 'hint'}
        />
        <p class="note" id="hint">
          {text.hint}
        </p>
        <button class="button primary" type="submit">
          {text.submit}
        </button>
      </form>
    </Layout>
  )
}

type DeviceClient = { name: string; firstParty: boolean; verified: boolean }

type ApproveProps = {
  action: string
  csrf: string
  userCode: string
  client: DeviceClient
  email: string
  startedAt: Date
  origin: { ip?: string; userAgent?: string }
  scopes: string[]
  now: Date
  error?: FormError
}

/** Shows what is about to be connected, and asks (RFC 8628 sections 3.3 and 5.4). Nothing is ever approved without it. */
export function ApproveDevicePage({
  action,
  csrf,
  userCode,
  client,
  email,
  startedAt,
  origin,
  scopes,
  now,
  error,
}: ApproveProps) {
  const text = words.approve
  const browser = describeUserAgent(origin.userAgent)
  return (
    <Layout title={text.title}>
      <h1>
        <Sentence text={text.heading} client={named(client.name)} />
      </h1>
      <Standing client={client} />
      <p class="caution">{text.caution}</p>
      <dl class="facts">
        <Fact term={text.code} value={<span class="mono">{userCode}</span>} />
        <Fact term={text.account} value={<bdi>{email}</bdi>} />
        <Fact term={text.started} value={<Time at={startedAt} now={now} />} />
        <Fact term={text.from} value={origin.ip ?? text.unknown} />
        {browser && <Fact term={text.by} value={browser} />}
      </dl>
      {scopes.length === 0 ? (
        <p>{text.noScopes}</p>
      ) : (
        <>
          <h2>{text.scopes}</h2>
          <ul class="scopes">
            {scopes.map(scopeSentence).map(({ sentence, sensitive }) => (
              <li class={sensitive ? 'sensitive' : undefined}>{sentence}</li>
            ))}
          </ul>
        </>
      )}
      <FormProblem error={error} />
      <form method="post" action={action} class="actions">
        <Hidden fields={{ csrf, user_code: userCode }} />
        <button class="button primary" type="submit" name="decision" value="approve">
          {text.approve}
        </button>
        <button class="button" type="submit" name="decision" value="deny">
          {text.deny}
        </button>
      </form>
    </Layout>
  )
}

// biome-ignore lint/suspicious/noExplicitAny: whatever can stand in a page
function Fact({ term, value }: { term: string; value: any }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{value}</dd>
    </div>
  )
}

/** How it ended. */
export function DeviceDonePage({ kind, client }: { kind: 'approved' | 'denied' | 'revoked'; client: string }) {
  const text = words[kind]
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <p class="lead">
        <Sentence text={text.lead} client={named(client)} />
      </p>
    </Layout>
  )
}

type RevokeProps = {
  action: string
  csrf: string
  token: string
  client: string
  connectedAt: Date
  now: Date
  error?: FormError
}

/** Where the link of the notice leads: a mail scanner that follows it ends nothing. */
export function RevokeDevicePage({ action, csrf, token, client, connectedAt, now, error }: RevokeProps) {
  const text = words.revoke
  return (
    <Layout title={words.revoke.submit}>
      <h1>
        <Sentence text={text.title} client={named(client)} />
      </h1>
      <p class="lead">
        <Sentence text={text.lead} when={<Time at={connectedAt} now={now} />} />
      </p>
      <FormProblem error={error} />
      <form method="post" action={action} class="actions">
        <Hidden fields={{ csrf, token }} />
        <button class="button primary" type="submit">
          {text.submit}
        </button>
      </form>
    </Layout>
  )
}
