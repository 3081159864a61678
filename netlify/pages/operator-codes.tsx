import { Time } from './api-key-parts.tsx'
import { fill } from './copy.ts'
import { EmailField, errorAt, type FormError, FormProblem } from './form-parts.tsx'
import { Fact, Hidden, Layout, Notice } from './layout.tsx'
import { words } from './proof-words.ts'
import { displayName } from './safe.ts'

const text = words.desk

type OpenCode = {
  id: string
  person: string
  operator: string
  /** Whether the viewing operator requested it. */
  own: boolean
  reason: string
  waiting: boolean
  expiresAt: Date
}

type DeskProps = {
  base: string
  csrf: string
  codes: OpenCode[]
  now: Date
  email?: string
  error?: FormError
  notice?: string
}

/** Lets an operator create codes for others, and approve those of other operators. */
export function OperatorCodesPage({ base, csrf, codes, now, email, error, notice }: DeskProps) {
  const form = { csrf }
  return (
    <Layout title={text.title} wide failed={Boolean(error)}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <Notice text={notice} />
      <FormProblem error={error} fields={['email']} />
      <form method="post" action={base} class="spaced">
        <Hidden fields={form} />
        <EmailField label={text.email} value={email} error={errorAt(error, 'email')} />
        <ReasonField id="reason" />
        <button class="button primary" type="submit">
          {text.request}
        </button>
      </form>
      <section aria-labelledby="open">
        <h2 id="open">{text.open}</h2>
        {codes.length === 0 && <p>{text.none}</p>}
        <ul class="cards">
          {codes.map((code) => (
            <li>
              <OpenCodeCard code={code} base={base} form={form} now={now} />
            </li>
          ))}
        </ul>
      </section>
    </Layout>
  )
}

function ReasonField({ id }: { id: string }) {
  return (
    <>
      <label for={id}>{text.reason}</label>
      <input id={id} name="reason" type="text" minlength={3} maxlength={200} required autocomplete="off" />
    </>
  )
}

type CardProps = { code: OpenCode; base: string; form: Record<string, string>; now: Date }

function OpenCodeCard({ code, base, form, now }: CardProps) {
  const { id, person, operator, own, reason, waiting, expiresAt } = code
  return (
    <article>
      <h3>
        <bdi>{displayName(reason, '')}</bdi> <span class="tag">{waiting ? text.waiting : text.ready}</span>
      </h3>
      <dl class="pairs">
        <Fact term={text.person}>
          <span class="mono">{person}</span>
        </Fact>
        <Fact term={text.by}>
          <span class="mono">{operator}</span>
        </Fact>
        <Fact term={text.until}>
          <Time at={expiresAt} now={now} />
        </Fact>
      </dl>
      {waiting && own && <p class="note">{text.own}</p>}
      {waiting && !own && (
        <form method="post" action={`${base}/approve`} class="spaced">
          <Hidden fields={{ ...form, id }} />
          <ReasonField id={`reason-${id}`} />
          <button class="button primary" type="submit">
            {text.approve}
          </button>
        </form>
      )}
      <form method="post" action={`${base}/revoke`} class="actions">
        <Hidden fields={{ ...form, id }} />
        <button class="button small" type="submit">
          {text.revoke}
        </button>
      </form>
    </article>
  )
}

type ShownProps = {
  code: string
  kind: 'whole' | 'half' | 'otherHalf'
  page: string
  expiresAt: Date
  backHref: string
}

/** Shows a code, or half of one, once. */
export function OperatorCodePage({ code, kind, page, expiresAt, backHref }: ShownProps) {
  const until = expiresAt.toISOString().slice(11, 16)
  const lead = kind === 'whole' ? text.shownLead : text[kind]
  return (
    <Layout title={text.shownTitle}>
      <h1>{text.shownTitle}</h1>
      <p class="lead">{fill(lead, { page, until }).join('')}</p>
      <p class="secret mono">{code}</p>
      <p class="actions">
        <a class="button" href={backHref}>
          {text.back}
        </a>
      </p>
    </Layout>
  )
}
