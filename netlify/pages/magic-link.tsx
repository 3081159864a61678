import type { MagicLink } from '../../shared/sign-in/magic-link.ts'
import { Form, type FormError, Submit } from './form-parts.tsx'
import { Fact, Layout, Name, Sentence } from './layout.tsx'
import { displayName } from './safe.ts'
import { TimeFact } from './time.tsx'

/** Every English sentence of the page that a link in a mail leads to. */
const words = {
  title: 'Sign in?',
  lead: 'This signs you in here as {email}.',
  leadFor: 'This signs {client} in as {email}.',
  unnamed: 'an application',
  asked: 'Asked for',
  from: 'By',
  to: 'Leads to',
  caution:
    'Continue only if you asked for this yourself, just now. No one from LanOnasis will ever ask you to open such a link.',
  submit: 'Sign in',
} as const

type Props = {
  action: string
  csrf: string
  state: string
  link: MagicLink
  /** The application that is signed in, when it is not this browser. */
  clientName?: string
  /** Where the sign-in ends. */
  destination: string
  error?: FormError
  now: Date
}

/** Asks for confirmation, since a mail scanner or another person may open the link. */
export function MagicLinkPage(props: Props) {
  const { action, csrf, state, link, clientName, error } = props
  const client = clientName && displayName(clientName, words.unnamed)
  const address = <Name>{link.email}</Name>
  return (
    <Layout
      title={words.title}
      lead={
        client ? (
          <Sentence text={words.leadFor} email={address} client={<Name>{client}</Name>} />
        ) : (
          <Sentence text={words.lead} email={address} />
        )
      }
      failed={Boolean(error)}
    >
      <dl class="facts">
        <TimeFact term={words.asked} at={new Date(link.askedAt)} now={props.now} />
        {link.device && <Fact term={words.from}>{link.device}</Fact>}
        <Fact term={words.to}>
          <bdi>{props.destination}</bdi>
        </Fact>
      </dl>
      <p class="caution">{words.caution}</p>
      <Form action={action} csrf={csrf} hidden={{ state }} error={error}>
        <Submit text={words.submit} />
      </Form>
    </Layout>
  )
}
