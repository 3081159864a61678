import { fill } from './copy.ts'
import { words } from './erase-words.ts'
import { Buttons, type FormError, FormProblem } from './form-parts.tsx'
import { Fact, Hidden, Layout } from './layout.tsx'

type Props = { action: string; csrf: string; backHref: string; error?: FormError }

/** Asks the person to confirm the erasure. */
export function ErasePage({ action, csrf, backHref, error }: Props) {
  return (
    <Layout title={words.title} failed={Boolean(error)}>
      <h1>{words.title}</h1>
      <p class="lead">{words.lead}</p>
      <p>{words.ends}</p>
      <p>{words.stays}</p>
      <FormProblem error={error} />
      <form method="post" action={action}>
        <Hidden fields={{ csrf }} />
        <label for="word">{fill(words.confirm, { word: `“${words.word}”` }).join('')}</label>
        <input
          id="word"
          name="word"
          type="text"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          required
          maxlength={40}
          aria-invalid={error ? 'true' : undefined}
          aria-describedby={error ? 'problem' : undefined}
        />
        <Buttons submit={words.submit} cancel={words.cancel} backHref={backHref} />
      </form>
    </Layout>
  )
}

type ReceiptProps = {
  uai: string
  erasedAt: string
  eventId: string
  hash: string
  keys: number
  backupsForgetBy: string
}

/** The receipt of an erasure. */
export function ErasedPage({ uai, erasedAt, eventId, hash, keys, backupsForgetBy }: ReceiptProps) {
  const text = words.receipt
  return (
    <Layout title={words.doneTitle}>
      <h1>{words.doneTitle}</h1>
      <p class="lead">{words.doneLead}</p>
      <dl class="facts">
        <Fact term={text.uai}>
          <span class="mono">{uai}</span>
        </Fact>
        <Fact term={text.erasedAt}>{erasedAt}</Fact>
        <Fact term={text.event}>
          <span class="mono">{eventId}</span>
        </Fact>
        <Fact term={text.hash}>
          <span class="mono">{hash}</span>
        </Fact>
        <Fact term={text.keys}>{String(keys)}</Fact>
        <Fact term={text.backups}>{backupsForgetBy.slice(0, 10)}</Fact>
      </dl>
    </Layout>
  )
}
