import { copy, fill } from './copy.ts'

export type ConsentScope = { name: string; sentence: string; alreadyGranted?: boolean; sensitive?: boolean }

/** Describes the requested scopes: new permissions visible, already granted ones collapsed. */
export function ScopeList({ scopes }: { scopes: ConsentScope[] }) {
  const text = copy.consent
  const granted = scopes.filter((scope) => scope.alreadyGranted)
  const asked = scopes.filter((scope) => !scope.alreadyGranted)
  if (scopes.length === 0) return <p>{text.noScopes}</p>
  if (asked.length === 0) return <Scopes heading={text.granted} scopes={granted} />
  return (
    <>
      <Scopes heading={text.scopes} scopes={asked} />
      {granted.length > 0 && (
        <details>
          <summary>{fill(text.grantedCount, { count: String(granted.length) }).join('')}</summary>
          <Items scopes={granted} />
        </details>
      )}
    </>
  )
}

function Scopes({ heading, scopes }: { heading: string; scopes: ConsentScope[] }) {
  return (
    <section aria-labelledby="scopes">
      <h2 id="scopes">{heading}</h2>
      <Items scopes={scopes} />
    </section>
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
