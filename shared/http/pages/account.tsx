import { AccountProofs, type ShownAuthenticator } from './account-proofs.tsx'
import { words } from './account-words.ts'
import { Time } from './api-key-parts.tsx'
import { fill } from './copy.ts'
import { Fact, Hidden, Layout, Name, Notice } from './layout.tsx'
import { displayName, safeHref } from './safe.ts'

export type ShownMethod = {
  id: string
  kind: keyof typeof words.kinds
  provider?: string
  address?: string
  linkedAt: Date
}
export type ShownSession = { id: string; current: boolean; device?: string; ip?: string; startedAt: Date; seenAt: Date }

type AccountProps = {
  base: string
  csrf: string
  formId: string
  email?: string
  emailVerified: boolean
  name?: string
  uai: string
  createdAt: Date
  methods: ShownMethod[]
  providers: { name: string; href: string }[]
  authenticators: ShownAuthenticator[]
  /** UAIs that were merged into this one. */
  merged: string[]
  sessions: ShownSession[]
  now: Date
  notice?: string
}

/** A person's account: who they are, how they sign in, and where they are signed in. */
export function AccountPage(props: AccountProps) {
  const { base, email, emailVerified, name, uai, createdAt, methods, providers, merged, sessions, now, notice } = props
  const form = { csrf: props.csrf, form_id: props.formId }
  return (
    <Layout title={words.title} wide>
      <h1>{words.title}</h1>
      <Notice text={notice} />
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
      <section aria-labelledby="methods">
        <h2 id="methods">{words.methods}</h2>
        <p class="note">{words.methodsLead}</p>
        <ul class="cards">
          {methods.map((method) => (
            <li>
              <Method method={method} base={base} form={form} removable={methods.length > 1} now={now} />
            </li>
          ))}
        </ul>
        <p class="row actions across">
          <a class="button small" href={`${base}/email`}>
            {words.addEmail}
          </a>
          {providers.map(({ name: provider, href }) => (
            <a class="button small" href={safeHref(href)}>
              {fill(words.add, { name: displayName(provider, '') }).join('')}
            </a>
          ))}
        </p>
      </section>
      <AccountProofs base={base} form={form} authenticators={props.authenticators} now={now} />
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
      <section aria-labelledby="sessions">
        <h2 id="sessions">{words.sessions}</h2>
        <ul class="cards">
          {sessions.map((session) => (
            <li>
              <Session session={session} base={base} form={form} now={now} />
            </li>
          ))}
        </ul>
        {sessions.length > 1 && (
          <form method="post" action={`${base}/sessions/end`} class="actions">
            <Hidden fields={{ ...form, which: 'others' }} />
            <button class="button" type="submit">
              {words.endOthers}
            </button>
          </form>
        )}
      </section>
    </Layout>
  )
}

type Form = Record<string, string>
type MethodProps = { method: ShownMethod; base: string; form: Form; removable: boolean; now: Date }

function Method({ method, base, form, removable, now }: MethodProps) {
  const { id, kind, provider = '', address, linkedAt } = method
  const title = fill(words.kinds[kind], { provider: displayName(provider, words.unknown) }).join('')
  return (
    <article class="row">
      <div>
        <h3>{title}</h3>
        {kind !== 'external' && address && (
          <p class="mono">
            <bdi>{address}</bdi>
          </p>
        )}
        <p class="note">
          {words.linked} <Time at={linkedAt} now={now} />
        </p>
      </div>
      {removable && (
        <form method="post" action={`${base}/sign-in-methods/remove`}>
          <Hidden fields={{ ...form, id }} />
          <button class="button small" type="submit" aria-label={fill(words.removeWhat, { name: title }).join('')}>
            {words.remove}
          </button>
        </form>
      )}
    </article>
  )
}

function Session({ session, base, form, now }: { session: ShownSession; base: string; form: Form; now: Date }) {
  const { id, current, device, ip, startedAt, seenAt } = session
  const name = displayName(device ?? '', words.unknown)
  return (
    <article class="row">
      <div>
        <h3>
          <Name>{name}</Name> {current && <span class="tag good">{words.here}</span>}
        </h3>
        <dl class="pairs">
          <Fact term={words.started}>
            <Time at={startedAt} now={now} />
          </Fact>
          <Fact term={words.lastSeen}>
            <Time at={seenAt} now={now} />
          </Fact>
          {ip && <Fact term={words.from}>{ip}</Fact>}
        </dl>
      </div>
      {!current && (
        <form method="post" action={`${base}/sessions/end`}>
          <Hidden fields={{ ...form, which: id }} />
          <button class="button small" type="submit" aria-label={fill(words.endWhich, { name }).join('')}>
            {words.end}
          </button>
        </form>
      )}
    </article>
  )
}
