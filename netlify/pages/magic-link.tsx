import type { MagicLink } from '../../shared/sign-in/magic-link.ts'
import { copy } from './copy.ts'
import { Form, type FormError, Submit } from './form-parts.tsx'
import { Fact, Layout, Name, Sentence } from './layout.tsx'
import { displayName } from './safe.ts'
import { TimeFact } from './time.tsx'

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
  const client = clientName && displayName(clientName, copy.magicLink.unnamed)
  const address = <Name>{link.email}</Name>
  return (
    <Layout
      form
      title={copy.magicLink.title}
      lead={
        client ? (
          <Sentence text={copy.magicLink.leadFor} email={address} client={<Name>{client}</Name>} />
        ) : (
          <Sentence text={copy.magicLink.lead} email={address} />
        )
      }
      failed={Boolean(error)}
    >
      <dl class="facts">
        <TimeFact term={copy.magicLink.asked} at={new Date(link.askedAt)} now={props.now} />
        {link.device && <Fact term={copy.magicLink.from}>{link.device}</Fact>}
        <Fact term={copy.magicLink.to}>
          <bdi>{props.destination}</bdi>
        </Fact>
      </dl>
      <p class="caution">{copy.magicLink.caution}</p>
      <Form main action={action} csrf={csrf} hidden={{ state }} error={error}>
        <Submit text={copy.magicLink.submit} />
      </Form>
    </Layout>
  )
}
