import type { PasskeyRecord } from '../../shared/queries/passkeys.ts'
import { providerOf } from '../../shared/sign-in/passkey/providers.ts'
import { Item } from './account-layout.tsx'
import type { Account } from './account-sign-in.tsx'
import { copy, fill } from './copy.ts'
import { ButtonForm, ButtonLink, Form, type FormError, FormProblem, Submit, TextField } from './form-parts.tsx'
import { Fact, Layout, Name, Section, Sentence } from './layout.tsx'
import { PasskeyForm, PasskeySignals } from './passkey.tsx'
import { words } from './passkey-words.ts'
import { displayName } from './safe.ts'
import { TimeFact } from './time.tsx'

/** Lists a person's passkeys. */
export function Passkeys({
  passkeys,
  signals,
  ...account
}: Account & { passkeys: PasskeyRecord[]; signals: object[] }) {
  const text = words.list
  return (
    <Section id="passkeys" title={text.title} note={text.lead}>
      {passkeys.length === 0 && <p>{text.none}</p>}
      <ul class="cards">
        {passkeys.map((one) => (
          <PasskeyCard {...account} passkey={one} />
        ))}
      </ul>
      <p class="row actions across">
        <ButtonLink kind="small" href={`${account.base}/passkeys/new`} text={text.add} />
      </p>
      <PasskeySignals signals={signals} />
    </Section>
  )
}

function PasskeyCard({ base, csrf, now, passkey }: Account & { passkey: PasskeyRecord }) {
  const text = words.list
  const { id, aaguid, state, registeredAt, lastUsedAt } = passkey
  const name = displayName(passkey.name ?? '', text.unnamed)
  return (
    <Item
      mark="fingerprint"
      title={name}
      action={
        <ButtonForm
          action={`${base}/passkeys/remove`}
          csrf={csrf}
          hidden={{ id }}
          text={text.remove}
          label={fill(text.removeWhich, { name }).join('')}
        />
      }
    >
      <dl class="pairs">
        <Fact term={text.provider}>
          {providerOf(aaguid) ?? text.unknownProvider}{' '}
          <span class="tag good">{state.backupEligible ? text.synced : text.bound}</span>
          {state.regressed && <span class="tag">{text.copied}</span>}
        </Fact>
        <TimeFact term={text.used} at={lastUsedAt} otherwise={text.neverUsed} now={now} />
        <TimeFact term={text.added} at={registeredAt} now={now} />
      </dl>
      <details>
        <summary aria-label={fill(text.renameWhich, { name }).join('')}>{text.rename}</summary>
        <Form action={`${base}/passkeys/rename`} csrf={csrf} hidden={{ id }}>
          <TextField label={text.newName} name="name" id={`name-${id}`} value={name} maxlength={200} required />
          <div class="actions">
            <Submit text={text.save} kind="plain" />
          </div>
        </Form>
      </details>
    </Item>
  )
}

type NewPasskeyProps = {
  action: string
  csrf: string
  returnTo?: string
  backHref: string
  email: string
  options: object
  /** Where an offer is declined for good; set if the page is an offer. */
  declineAction?: string
  error?: FormError
}

/** Creates a passkey on this device, or offers to. */
export function NewPasskeyPage(props: NewPasskeyProps) {
  const { action, csrf, returnTo, backHref, email, options, declineAction, error } = props
  const text = copy.passkeys.create
  return (
    <Layout
      title={declineAction ? text.offer : text.title}
      lead={<Sentence text={text.lead} email={<Name>{email}</Name>} />}
      failed={Boolean(error)}
    >
      <FormProblem error={error} />
      <p class="caution" data-without-passkeys="">
        {text.impossible}
      </p>
      <PasskeyForm
        {...{ action, csrf, options }}
        kind="create"
        hidden={{ return_to: returnTo }}
        text={text.submit}
        primary
        failed={text.failed}
      />
      <div class="actions">
        <ButtonLink href={backHref} text={text.back} />
      </div>
      {declineAction && (
        <Form action={declineAction} csrf={csrf} hidden={{ return_to: returnTo }} class="aside">
          <button class="link" type="submit">
            {text.never}
          </button>
        </Form>
      )}
    </Layout>
  )
}
