import {
  ClientLinks,
  type ConsentClient,
  type ConsentResource,
  Destination,
  VerificationBadge,
} from './consent-client.tsx'
import { copy, fill } from './copy.ts'
import { Form, Submit } from './form-parts.tsx'
import { Layout, Name, Section, Sentence } from './layout.tsx'
import { displayName, safeHref } from './safe.ts'

type ConsentScope = { name: string; sentence: string; alreadyGranted?: boolean; sensitive?: boolean }

type ConsentProps = {
  /** Where the form posts `authorization_id`, `csrf`, `return_to` and `decision` (`allow` or `deny`). */
  action: string
  csrf: string
  authorizationId: string
  /** The request, to restart it after it expired. */
  returnTo?: string
  notice?: string
  client: ConsentClient
  account: { email: string; name?: string }
  scopes: ConsentScope[]
  /** Resources of the tokens, other than the default API. */
  resources?: ConsentResource[]
  switchAccountHref: string
  /** Redirects whose recipient is not authenticated (RFC 8252 section 8.6). */
  warning?: keyof typeof copy.consent.warnings
}

/** Asks whether an application may act for the person: its name, redirect target and permissions (OAuth 2.1 section 7.9). */
export function ConsentPage(props: ConsentProps) {
  const { resources = [] } = props
  const text = copy.consent
  const name = displayName(props.client.name, copy.unnamedClient)
  return (
    <Layout
      form
      title={fill(text.title, { client: name }).join('')}
      heading={<Sentence text={text.heading} client={<Name>{name}</Name>} />}
      notice={props.notice}
    >
      <VerificationBadge {...props.client} />
      <Destination
        client={props.client}
        account={props.account}
        resources={resources}
        switchAccountHref={safeHref(props.switchAccountHref)}
      />
      {props.warning && <p class="caution">{text.warnings[props.warning]}</p>}
      <ScopeList scopes={props.scopes} />
      <Form
        main
        action={props.action}
        csrf={props.csrf}
        hidden={{ authorization_id: props.authorizationId, return_to: props.returnTo }}
        class="actions"
      >
        <Submit text={text.allow} name="decision" value="allow" />
        <Submit kind="plain" text={text.deny} name="decision" value="deny" />
      </Form>
      <p class="note">{text.footnote}</p>
      <div class="aside">
        <ClientLinks client={props.client} />
        <TechnicalDetails {...props} />
      </div>
    </Layout>
  )
}

function TechnicalDetails({ client, scopes, resources = [] }: ConsentProps) {
  const text = copy.consent
  if (!client.host && scopes.length === 0 && resources.length === 0) return null
  return (
    <details>
      <summary>{text.details}</summary>
      <dl>
        {client.host && <Detail term={text.clientHost} values={[client.host]} />}
        {scopes.length > 0 && <Detail term={text.scopeNames} values={scopes.map((scope) => scope.name)} />}
        {resources.length > 0 && <Detail term={text.resourceName} values={resources.map((one) => one.identifier)} />}
      </dl>
    </details>
  )
}

function Detail({ term, values }: { term: string; values: string[] }) {
  return (
    <>
      <dt>{term}</dt>
      <dd>
        {values.map((value) => (
          <>
            <code>{value}</code>{' '}
          </>
        ))}
      </dd>
    </>
  )
}

/** Describes the requested scopes: new permissions visible, already granted ones collapsed. */
function ScopeList({ scopes }: { scopes: ConsentScope[] }) {
  const text = copy.consent
  const granted = scopes.filter((scope) => scope.alreadyGranted)
  const asked = scopes.filter((scope) => !scope.alreadyGranted)
  if (scopes.length === 0) return <p>{text.noScopes}</p>
  if (asked.length === 0)
    return (
      <Section id="scopes" title={text.granted}>
        <Items scopes={granted} />
      </Section>
    )
  return (
    <>
      <Section id="scopes" title={text.scopes}>
        <Items scopes={asked} />
      </Section>
      {granted.length > 0 && (
        <details>
          <summary>{fill(text.grantedCount, { count: String(granted.length) }).join('')}</summary>
          <Items scopes={granted} />
        </details>
      )}
    </>
  )
}

function Items({ scopes }: { scopes: ConsentScope[] }) {
  return (
    <ul class="scopes">
      {scopes.map((scope) => (
        <li class={scope.sensitive ? 'sensitive' : undefined}>
          <span>
            {scope.sentence}
            {scope.sensitive && (
              <>
                {' '}
                <span class="tag">{copy.consent.sensitive}</span>
              </>
            )}
          </span>
        </li>
      ))}
    </ul>
  )
}
