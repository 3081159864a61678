import { AccountLayout } from './account-layout.tsx'
import { Dates, nameOf, Scopes, type ShownKey, Status } from './api-key-parts.tsx'
import { words } from './api-key-words.ts'
import { fill } from './copy.ts'
import { ButtonLink } from './form-parts.tsx'
import { Name, Notice } from './layout.tsx'

type ApiKeysProps = { base: string; keys: ShownKey[]; now: Date; notice?: string }

/** Lists a person's API keys: active ones first, the others collapsed. */
export function ApiKeysPage({ base, keys, now, notice }: ApiKeysProps) {
  const current = keys.filter(({ status }) => status === 'active' || status === 'quarantined')
  const ended = keys.filter((key) => !current.includes(key))
  return (
    <AccountLayout section="keys" heading={false}>
      <div class="row">
        <h1>{words.title}</h1>
        {current.length > 0 && <ButtonLink kind="primary small" href={`${base}/new`} text={words.create} />}
      </div>
      <p class="lead">{current.length > 0 ? words.lead : words.none}</p>
      <Notice text={notice} />
      {current.length === 0 && <ButtonLink kind="primary" href={`${base}/new`} text={words.create} />}
      <List base={base} keys={current} now={now} />
      {ended.length > 0 && (
        <details>
          <summary>{fill(words.ended, { count: String(ended.length) })}</summary>
          <List base={base} keys={ended} now={now} />
        </details>
      )}
    </AccountLayout>
  )
}

function List({ base, keys, now }: { base: string; keys: ShownKey[]; now: Date }) {
  return (
    <ul class="cards">
      {keys.map((key) => (
        <li>
          <Card base={base} shown={key} now={now} />
        </li>
      ))}
    </ul>
  )
}

function Card({ base, shown, now }: { base: string; shown: ShownKey; now: Date }) {
  const { id, status, owner, preview, scopes } = shown
  const name = nameOf(shown)
  const href = `${base}/${id}`
  const usable = status === 'active' || status === 'quarantined'
  return (
    <article aria-labelledby={`key-${id}`}>
      <div class="row">
        <h2 id={`key-${id}`}>
          <Name>{name}</Name>
        </h2>
        <Status shown={shown} now={now} />
      </div>
      <p class="mono">{preview}</p>
      {owner === 'organization' && <p class="note">{words.organization}</p>}
      {status === 'quarantined' && <p class="caution">{words.quarantinedWhy}</p>}
      <Scopes scopes={scopes} most={3} />
      <Dates shown={shown} now={now} />
      <p class="links">
        <Action href={href} label={words.details} name={name} />
        {usable && <Action href={`${href}/rotate`} label={words.rotate} name={name} />}
        {usable && <Action href={`${href}/revoke`} label={words.revoke} name={name} />}
        {!usable && <Action href={`${href}/delete`} label={words.remove} name={name} />}
      </p>
    </article>
  )
}

/** A link with the name of its key, for screen readers. */
function Action({ href, label, name }: { href: string; label: string; name: string }) {
  return (
    <a href={href}>
      {label}
      <span class="hidden"> {name}</span>
    </a>
  )
}
