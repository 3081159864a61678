import { copy, fill } from './copy.ts'
import { ButtonLink, Buttons, Form, type FormError } from './form-parts.tsx'
import { Layout } from './layout.tsx'
import { safeHref } from './safe.ts'
import { scriptElement } from './script.ts'

type MakeProps = { action: string; csrf: string; returnTo?: string; backHref: string; left: number; error?: FormError }

/** Offers to make recovery codes. */
export function MakeRecoveryCodesPage({ returnTo, backHref, left, ...form }: MakeProps) {
  const text = copy.factors.recovery
  return (
    <Layout form title={text.title} lead={text.lead} failed={Boolean(form.error)}>
      {left > 0 && <p class="caution">{fill(text.replaces, { count: String(left) }).join('')}</p>}
      <Form main {...form} hidden={{ return_to: returnTo }}>
        <Buttons submit={text.make} cancel={text.later} backHref={safeHref(backHref) ?? '/account'} />
      </Form>
    </Layout>
  )
}

const script =
  scriptElement(`const part=document.getElementById('keep'),text=[...document.querySelectorAll('.codes li')].map(l=>l.textContent).join('\\n')+'\\n',
on=(n,f)=>part.querySelector('[data-'+n+']').addEventListener('click',f);part.hidden=false;
on('copy',async e=>{await navigator.clipboard.writeText(text);document.getElementById('copied').textContent=e.target.dataset.copy});
on('download',e=>{const a=document.createElement('a');a.href=URL.createObjectURL(new Blob([part.dataset.note+'\\n\\n'+text],{type:'text/plain'}));
a.download=e.target.dataset.download;a.click();URL.revokeObjectURL(a.href)});on('print',()=>print())`)

/** Shows the codes, once. Without scripts they are copied and printed with the browser's own means. */
export function RecoveryCodesPage({ codes, email, doneHref }: { codes: string[]; email: string; doneHref: string }) {
  const text = copy.factors.recovery
  const note = fill(text.shownNote, { email }).join('')
  return (
    <Layout title={text.shownTitle} lead={text.shownLead}>
      <ol class="codes" aria-label={text.title}>
        {codes.map((code) => (
          <li>{code}</li>
        ))}
      </ol>
      <div id="keep" class="actions across" data-note={note} hidden>
        <button class="button" type="button" data-copy={copy.copied}>
          {copy.copyIt}
        </button>
        <button class="button" type="button" data-download={text.file}>
          {text.download}
        </button>
        <button class="button" type="button" data-print="">
          {text.print}
        </button>
      </div>
      <p id="copied" class="note" role="status"></p>
      {script}
      <p class="note">{note}</p>
      <p class="actions">
        <ButtonLink kind="primary" href={safeHref(doneHref) ?? '/account'} text={text.kept} />
      </p>
    </Layout>
  )
}
