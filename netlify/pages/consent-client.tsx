import { copy } from './copy.ts'
import { displayName, safeHref } from './safe.ts'

/** The requesting application. All its texts and links come from its developer. */
export type ConsentClient = {
  name: string
  host?: string
  /** Host of the client's metadata document. */
  documentHost?: string
  redirectHost: string
  firstParty: boolean
  verified: boolean
  uri?: string
  policyUri?: string
  tosUri?: string
}

/** Shows whether LanOnasis made or verified the application. */
export function VerificationBadge({ firstParty, verified }: Pick<ConsentClient, 'firstParty' | 'verified'>) {
  const text = copy.consent
  const known = firstParty || verified
  return (
    <p class={known ? 'badge good' : 'badge'}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
        <path class="icon" d={known ? 'm3.5 8.5 3 3 6-7' : 'M8 4v5m0 3v.01'} />
      </svg>
      {firstParty ? text.firstParty : verified ? text.verified : text.unverified}
    </p>
  )
}

export type ConsentResource = { name: string; identifier: string }

type DestinationProps = {
  client: ConsentClient
  account: { email: string; name?: string }
  resources: ConsentResource[]
  switchAccountHref?: string
}

/** Shows the redirect target, the resources, and the account. */
export function Destination({ client, account, resources, switchAccountHref }: DestinationProps) {
  const text = copy.consent
  const name = account.name && displayName(account.name, '')
  return (
    <dl class="facts wide">
      <div class="first">
        <dt>{text.destination}</dt>
        <dd class="host">
          <bdi>{client.redirectHost}</bdi>
        </dd>
      </div>
      {client.documentHost && (
        <div>
          <dt>{text.documentHost}</dt>
          <dd class="host">
            <bdi>{client.documentHost}</bdi>
          </dd>
        </div>
      )}
      {resources.length > 0 && (
        <div>
          <dt>{text.resource}</dt>
          {resources.map(({ name: title, identifier }) => (
            <dd>
              <bdi>{displayName(title, identifier)}</bdi>
            </dd>
          ))}
        </div>
      )}
      <div>
        <dt>{text.account}</dt>
        <dd>
          <bdi>{name || account.email}</bdi>
        </dd>
        {name && (
          <dd class="plain">
            <bdi>{account.email}</bdi>
          </dd>
        )}
        <dd>
          <a href={switchAccountHref}>{text.switchAccount}</a>
        </dd>
      </div>
    </dl>
  )
}

/** Links to the application's pages that are safe to follow. */
export function ClientLinks({ client }: { client: ConsentClient }) {
  const text = copy.consent
  const links = [
    { label: text.website, href: safeHref(client.uri) },
    { label: text.policy, href: safeHref(client.policyUri) },
    { label: text.terms, href: safeHref(client.tosUri) },
  ].filter((link) => link.href)
  if (links.length === 0) return null
  return (
    <p class="links">
      {links.map((link) => (
        <a href={link.href} target="_blank" rel="noopener noreferrer">
          {link.label} <span class="hidden">{copy.newTab}</span>
        </a>
      ))}
    </p>
  )
}
