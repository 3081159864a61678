import type { ErasureReceipt } from '../../shared/people/erasure.ts'
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

/** The receipt of an erasure. */
export function ErasedPage({ receipt }: { receipt: ErasureReceipt }) {
  const text = words.receipt
  return (
    <Layout title={words.doneTitle} lead={words.doneLead}>
      <dl class="facts">
        <Fact term={text.uai} mono>
          {receipt.uai}
        </Fact>
        <Fact term={text.erasedAt}>{receipt.erased_at}</Fact>
        <Fact term={text.event} mono>
          {receipt.event_id}
        </Fact>
        <Fact term={text.hash} mono>
          {receipt.event_hash}
        </Fact>
        <Fact term={text.keys}>{String(receipt.keys_destroyed)}</Fact>
        <Fact term={text.backups}>{receipt.backups_forget_by.slice(0, 10)}</Fact>
      </dl>
    </Layout>
  )
}
