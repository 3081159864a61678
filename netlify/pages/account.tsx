import { AccountApplications, type ShownApplication } from './account-applications.tsx'
import { AccountMessages, type ShownMessage } from './account-messages.tsx'
import { AccountMethods, type ShownMethod } from './account-methods.tsx'
import { AccountProofs, OperatorCodes, type ShownAuthenticator, type ShownOperatorCode } from './account-proofs.tsx'
import { AccountSessions, type ShownSession } from './account-sessions.tsx'
import { words } from './account-words.ts'
import { Time } from './api-key-parts.tsx'
import { fill } from './copy.ts'
import { type FormError, FormProblem } from './form-parts.tsx'
import { Fact, Hidden, Layout, Notice } from './layout.tsx'
import { displayName } from './safe.ts'

type AccountProps = {
  base: string
  csrf: string
  email?: string
  emailVerified: boolean
  name?: string
  uai: string
  createdAt: Date
  methods: ShownMethod[]
  providers: { name: string; href: string }[]
  byPhone: boolean
  authenticators: ShownAuthenticator[]
  /** Number of unused recovery codes. */
  codesLeft: number
  operatorCodes: ShownOperatorCode[]
  /** UAIs that were merged into this one. */
  merged: string[]
  sessions: ShownSession[]
  applications: ShownApplication[]
  messages: ShownMessage[]
  now: Date
  notice?: string
  error?: FormError
}

/** A person's account: who they are, how they sign in, and where they are signed in. */
export function AccountPage(props: AccountProps) {
  const { base, email, emailVerified, name, uai, createdAt, now, notice, error } = props
  const { methods, providers, byPhone, merged, sessions, applications } = props
  const form = { csrf: props.csrf }
  return (
    <Layout title={words.title} wide failed={Boolean(error)}>
      <h1>{words.title}</h1>
      <Notice text={notice} />
      <FormProblem error={error} />
      <section aria-labelledby="profile">
        <h2 id="profile">{words.profile}</h2>
        <dl class="facts">
          <Fact term={words.email}>
            <bdi>{email || words.noEmail}</bdi>
            {email && !emailVerified && <span class="tag">{words.unproven}</span>}
          </Fact>
          {name && (
            <Fact term={words.name}>
              <bdi>{displayName(name, '')}</bdi>
            </Fact>
          )}
          <Fact term={words.uai}>
            <span class="mono">{uai}</span>
          </Fact>
          <Fact term={words.since}>
            <Time at={createdAt} now={now} />
          </Fact>
        </dl>
        <nav class="links" aria-label={words.more}>
          <a href={`${base}/api-keys`}>{words.keys}</a>
          <a href={`${base}/agents`}>{words.agents}</a>
          <a href="/web/logout">{words.signOut}</a>
        </nav>
      </section>
      <AccountMethods {...{ base, form, methods, providers, byPhone, now }} />
      <AccountProofs
        base={base}
        form={form}
        authenticators={props.authenticators}
        codesLeft={props.codesLeft}
        now={now}
      />
      {props.operatorCodes.length > 0 && <OperatorCodes codes={props.operatorCodes} now={now} />}
      {merged.length > 0 && (
        <section aria-labelledby="merged">
          <h2 id="merged">{words.merged}</h2>
          <ul class="cards">
            {merged.map((one) => (
              <li class="row">
                <span class="mono">{one}</span>
                <form method="post" action={`${base}/split`}>
                  <Hidden fields={{ ...form, uai: one }} />
                  <button
                    class="button small"
                    type="submit"
                    aria-label={fill(words.splitWhich, { name: one }).join('')}
                  >
                    {words.split}
                  </button>
                </form>
              </li>
            ))}
          </ul>
        </section>
      )}
      <AccountSessions base={base} form={form} sessions={sessions} now={now} />
      <AccountMessages messages={props.messages} now={now} />
      <AccountApplications base={base} form={form} applications={applications} now={now} />
      <section aria-labelledby="erasure">
        <h2 id="erasure">{words.erasure.title}</h2>
        <p class="note">{words.erasure.lead}</p>
        <nav class="links" aria-label={words.erasure.title}>
          <a href="/v1/audit/export">{words.erasure.export}</a>
          <a href={`${base}/erase`}>{words.erasure.erase}</a>
        </nav>
      </section>
    </Layout>
  )
}
