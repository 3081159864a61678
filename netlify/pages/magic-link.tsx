import { Time } from './api-key-parts.tsx'
import { type FormError, FormProblem } from './form-parts.tsx'
import { Fact, Hidden, Layout, Name, Sentence } from './layout.tsx'
import { words } from './magic-link-words.ts'
import { displayName } from './safe.ts'

type Props = {
  action: string
  csrf: string
  state: string
  email: string
  /** The application that is signed in, when it is not this browser. */
  clientName?: string
  /** Where the sign-in ends. */
  destination: string
  device?: string
  error?: FormError
  askedAt: Date
  now: Date
}

/** Asks for confirmation, since a mail scanner or another person may open the link. */
export function MagicLinkPage(props: Props) {
  const { action, csrf, state, email, clientName, destination, device, askedAt, now, error } = props
  const client = clientName && displayName(clientName, words.unnamed)
  return (
    <Layout title={words.title} failed={Boolean(error)}>
      <h1>{words.title}</h1>
      <p class="lead">
        {client ? (
          <Sentence text={words.leadFor} email={<Name>{email}</Name>} client={<Name>{client}</Name>} />
        ) : (
          <Sentence text={words.lead} email={<Name>{email}</Name>} />
        )}
      </p>
      <dl class="facts">
        <Fact term={words.asked}>
          <Time at={askedAt} now={now} />
        </Fact>
        {device && <Fact term={words.from}>{device}</Fact>}
        <Fact term={words.to}>
          <bdi>{destination}</bdi>
        </Fact>
      </dl>
      <p class="caution">{words.caution}</p>
      <FormProblem error={error} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf, state }} />
        <button class="button primary" type="submit">
          {words.submit}
        </button>
      </form>
    </Layout>
  )
}
