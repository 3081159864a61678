import { fill } from './copy.ts'
import { Buttons, Form, type FormError, TextField } from './form-parts.tsx'
import { Fact, Layout } from './layout.tsx'

/** The words of the page on which a person erases their account. */
export const words = {
  title: 'Delete this account',
  lead: 'All data that identifies you is destroyed: your addresses, your name, where you signed in from. This can’t be undone.',
  ends: 'You are signed out everywhere, and all applications and keys stop working immediately.',
  stays: 'A record without your personal data remains, so that the history of this service can still be verified.',
  confirm: 'Type {word} to confirm',
  word: 'delete',
  wrong: 'Type the word exactly as shown.',
  submit: 'Delete my account',
  cancel: 'Keep my account',
  doneTitle: 'Your account is deleted',
  doneLead: 'Save this receipt if you want to keep it: it is shown only once.',
  receipt: {
    uai: 'Identifier',
    erasedAt: 'Deleted',
    event: 'Record',
    hash: 'Its hash',
    keys: 'Data keys destroyed',
    backups: 'Removed from backups by',
  },
} as const

type Props = { action: string; csrf: string; backHref: string; error?: FormError }

/** Asks the person to confirm the erasure. */
export function ErasePage({ backHref, ...form }: Props) {
  return (
    <Layout title={words.title} lead={words.lead} failed={Boolean(form.error)}>
      <p>{words.ends}</p>
      <p>{words.stays}</p>
      <Form {...form}>
        <TextField
          name="word"
          label={fill(words.confirm, { word: `“${words.word}”` }).join('')}
          autocapitalize="none"
          spellcheck={false}
          required
          maxlength={40}
          aria-invalid={form.error ? 'true' : undefined}
          describedBy={form.error && 'problem'}
        />
        <Buttons submit={words.submit} cancel={words.cancel} backHref={backHref} />
      </Form>
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
    <Layout title={words.doneTitle} lead={words.doneLead}>
      <dl class="facts">
        <Fact term={text.uai} mono>
          {uai}
        </Fact>
        <Fact term={text.erasedAt}>{erasedAt}</Fact>
        <Fact term={text.event} mono>
          {eventId}
        </Fact>
        <Fact term={text.hash} mono>
          {hash}
        </Fact>
        <Fact term={text.keys}>{String(keys)}</Fact>
        <Fact term={text.backups}>{backupsForgetBy.slice(0, 10)}</Fact>
      </dl>
    </Layout>
  )
}
