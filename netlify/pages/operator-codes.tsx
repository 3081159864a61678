import type { OperatorCodeListing } from '../../shared/queries/operator-codes.ts'
import { fill } from './copy.ts'
import { words } from './factor-words.ts'
import { ButtonForm, ButtonLink, EmailField, Form, type FormError, ReasonField, Submit } from './form-parts.tsx'
import { Fact, Layout, Section } from './layout.tsx'
import { displayName } from './safe.ts'
import { TimeFact } from './time.tsx'

const text = words.desk

type DeskProps = {
  base: string
  csrf: string
  codes: OperatorCodeListing[]
  /** The UAI of the viewing operator. */
  viewer: string
  now: Date
  email?: string
  error?: FormError
  notice?: string
}

/** Lets an operator create codes for others, and approve those of other operators. */
export function OperatorCodesPage({ base, csrf, codes, viewer, now, email, error, notice }: DeskProps) {
  return (
    <Layout title={text.title} lead={text.lead} notice={notice} wide failed={Boolean(error)}>
      <Form action={base} csrf={csrf} error={error} fields={['email']} class="spaced">
        <EmailField label={text.email} value={email} error={error} />
        <ReasonField id="reason" label={text.reason} />
        <Submit text={text.request} />
      </Form>
      <Section id="open" title={text.open}>
        {codes.length === 0 && <p>{text.none}</p>}
        <ul class="cards">
          {codes.map((code) => (
            <OpenCode {...code} base={base} csrf={csrf} viewer={viewer} now={now} />
          ))}
        </ul>
      </Section>
    </Layout>
  )
}

function OpenCode(props: OperatorCodeListing & Pick<DeskProps, 'base' | 'csrf' | 'viewer' | 'now'>) {
  const { id, base, csrf } = props
  const waiting = props.status === 'waiting'
  const own = props.operator === props.viewer
  return (
    <li>
      <h3>
        <bdi>{displayName(props.reason, '')}</bdi> <span class="tag">{waiting ? text.waiting : text.ready}</span>
      </h3>
      <dl class="pairs">
        <Fact term={text.person} mono>
          {props.email ?? props.uai}
        </Fact>
        <Fact term={text.by} mono>
          {props.operator}
        </Fact>
        <TimeFact term={text.until} at={props.expires_at} now={props.now} />
      </dl>
      {waiting && own && <p class="note">{text.own}</p>}
      {waiting && !own && (
        <Form action={`${base}/approve`} csrf={csrf} hidden={{ id }} class="spaced">
          <ReasonField id={`reason-${id}`} label={text.reason} />
          <Submit text={text.approve} />
        </Form>
      )}
      <ButtonForm action={`${base}/revoke`} csrf={csrf} hidden={{ id }} class="actions" text={text.revoke} />
    </li>
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
    <Layout title={text.shownTitle} lead={fill(lead, { page, until }).join('')}>
      <p class="secret mono">{code}</p>
      <p class="actions">
        <ButtonLink href={backHref} text={text.back} />
      </p>
    </Layout>
  )
}
