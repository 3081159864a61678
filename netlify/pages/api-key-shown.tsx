import { words } from './api-key-words.ts'
import { fill } from './copy.ts'
import { CopyField } from './copy-field.tsx'
import { Layout, Notice } from './layout.tsx'
import { displayName } from './safe.ts'

/** Shows a new key, once. */
export function ApiKeyShownPage({
  apiKey,
  name,
  backHref,
  notice,
}: {
  apiKey: string
  name: string
  backHref: string
  notice?: string
}) {
  const text = words.shown
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <Notice text={notice} />
      <p class="lead">{text.lead}</p>
      <CopyField
        label={
          <>
            {fill(text.label, { name: '' })}
            <bdi>{displayName(name, words.unnamed)}</bdi>
          </>
        }
        value={apiKey}
      />
      <div class="actions">
        <a class="button primary" href={backHref}>
          {text.done}
        </a>
      </div>
    </Layout>
  )
}
