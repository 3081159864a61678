import { words } from './account-words.ts'
import { Time } from './api-key-parts.tsx'
import { fill } from './copy.ts'
import { Hidden } from './layout.tsx'
import { displayName, safeHref } from './safe.ts'

export type ShownMethod = {
  id: string
  kind: keyof typeof words.kinds
  provider?: string
  address?: string
  linkedAt: Date
}

type Form = Record<string, string>
type Props = {
  base: string
  form: Form
  methods: ShownMethod[]
  /** Providers that can also be connected. */
  providers: { name: string; href: string }[]
  /** Whether codes can be sent by text message. */
  byPhone: boolean
  now: Date
}

/** Lists a person's sign-in methods. The last one cannot be removed. */
export function AccountMethods({ base, form, methods, providers, byPhone, now }: Props) {
  return (
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
        {byPhone && (
          <a class="button small" href={`${base}/phone`}>
            {words.addPhone}
          </a>
        )}
        {providers.map(({ name: provider, href }) => (
          <a class="button small" href={safeHref(href)}>
            {fill(words.add, { name: displayName(provider, '') }).join('')}
          </a>
        ))}
      </p>
    </section>
  )
}

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
