import { isStranger } from '../../shared/queries/api-clients.ts'
import type { OpenDevice } from '../../shared/queries/device-authorizations.ts'
import { Scopes } from './api-key-parts.tsx'
import { VerificationBadge } from './consent-client.tsx'
import { copy } from './copy.ts'
import { Form, type FormError, FormProblem, Submit, TextField } from './form-parts.tsx'
import { Fact, Layout, Name, Sentence } from './layout.tsx'
import { displayName } from './safe.ts'
import { Time, TimeFact } from './time.tsx'

const named = (client: string) => <Name>{displayName(client, copy.unnamedClient)}</Name>

/** Asks for the code that the device shows. */
export function EnterCodePage({ action, value, error }: { action: string; value?: string; error?: FormError }) {
  const text = copy.device.enter
  return (
    <Layout title={text.title} lead={text.lead} failed={Boolean(error)}>
      <FormProblem error={error} />
      <form method="get" action={action}>
        <TextField
          name="code"
          label={text.label}
          value={value}
          class="code"
          autocapitalize="characters"
          spellcheck={false}
          maxlength={20}
          required
          focus
          aria-invalid={error ? 'true' : undefined}
          describedBy={error && 'problem'}
          hint={text.hint}
        />
        <Submit text={text.submit} />
      </form>
    </Layout>
  )
}

type ApproveProps = {
  action: string
  csrf: string
  userCode: string
  device: OpenDevice
  /** What asked to be connected. */
  browser?: string
  email: string
  now: Date
  error?: FormError
}

/** Shows what is about to be connected, and asks (RFC 8628 sections 3.3 and 5.4). Nothing is ever approved without it. */
export function ApproveDevicePage(props: ApproveProps) {
  const { action, csrf, userCode, device, browser, error } = props
  const { client, origin, scope } = device
  const text = copy.device.approve
  return (
    <Layout
      form
      title={text.title}
      heading={<Sentence text={text.heading} client={named(client.metadata.client_name)} />}
      failed={Boolean(error)}
    >
      <VerificationBadge firstParty={client.first_party} verified={!isStranger(client)} />
      <p class="caution">{text.caution}</p>
      <dl class="facts">
        <Fact term={text.code} mono>
          {userCode}
        </Fact>
        <Fact term={text.account}>
          <bdi>{props.email}</bdi>
        </Fact>
        <TimeFact term={text.started} at={device.requestedAt} now={props.now} />
        <Fact term={text.from}>{origin.ip ?? text.unknown}</Fact>
        {browser && <Fact term={text.by}>{browser}</Fact>}
      </dl>
      {scope.length === 0 ? (
        <p>{text.noScopes}</p>
      ) : (
        <>
          <h2>{text.scopes}</h2>
          <Scopes scopes={scope} label={text.scopes} />
        </>
      )}
      <Form main action={action} csrf={csrf} hidden={{ user_code: userCode }} error={error} class="actions">
        <Submit text={text.approve} name="decision" value="approve" />
        <Submit kind="plain" text={text.deny} name="decision" value="deny" />
      </Form>
    </Layout>
  )
}

/** Shows the result. */
export function DeviceDonePage({ kind, client }: { kind: 'approved' | 'denied' | 'revoked'; client: string }) {
  const text = copy.device[kind]
  return <Layout title={text.title} lead={<Sentence text={text.lead} client={named(client)} />} />
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

/** Asks to confirm the disconnection; a mail scanner that follows the link of the notice ends nothing. */
export function RevokeDevicePage({ token, client, connectedAt, now, ...form }: RevokeProps) {
  const text = copy.device.revoke
  return (
    <Layout
      form
      title={text.submit}
      heading={<Sentence text={text.title} client={named(client)} />}
      lead={<Sentence text={text.lead} when={<Time at={connectedAt} now={now} />} />}
      failed={Boolean(form.error)}
    >
      <Form main {...form} hidden={{ token }} class="actions">
        <Submit text={text.submit} />
      </Form>
    </Layout>
  )
}
