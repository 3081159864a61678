import { copy, fill } from './copy.ts'
import { CopyField } from './copy-field.tsx'
import { ButtonLink, Form, type FormError, Submit } from './form-parts.tsx'
import { Layout, Name, Sentence } from './layout.tsx'
import { scriptElement } from './script.ts'

type WelcomeProps = { email: string; action: string; csrf: string; error?: FormError }

/** The end of a command-line sign-in that did not start in a terminal on this computer. */
export function CliWelcomePage({ email, ...form }: WelcomeProps) {
  const text = copy.cli.welcome
  const lead = <Sentence text={text.lead} email={<Name>{email}</Name>} />
  return (
    <Layout title={text.title} lead={lead} failed={Boolean(form.error)}>
      <h2>{text.headless}</h2>
      <p>{text.explain}</p>
      <Form {...form} class="actions">
        <Submit kind="plain" text={text.make} />
      </Form>
    </Layout>
  )
}

/** Shows a token to paste, once. */
export function CliTokenPage({ token, until, backHref }: { token: string; until: Date; backHref: string }) {
  const text = copy.cli.token
  return (
    <Layout title={text.title} lead={text.lead}>
      <CopyField label={text.label} value={token} />
      <p class="note">
        <Sentence text={text.until} until={<time datetime={until.toISOString()}>{until.toUTCString()}</time>} />
      </p>
      <div class="actions">
        <ButtonLink kind="primary" href={backHref} text={text.done} />
      </div>
    </Layout>
  )
}

const handOver = scriptElement(`const h=document.getElementById('handed-over');
fetch(h.dataset.to,{mode:'no-cors',cache:'no-store'}).then(()=>{h.textContent=h.dataset.done;h.hidden=false;
const p=document.getElementById('paste');if(p)p.hidden=true},()=>{})`)

/** Sends the result of the sign-in to the terminal on this computer, if one listens. */
function HandOver({ to }: { to?: string }) {
  if (!to) return null
  return (
    <>
      <p id="handed-over" class="notice" role="status" data-to={to} data-done={copy.cli.paste.handedOver} hidden></p>
      {handOver}
    </>
  )
}

/** Sends the code to the terminal on this computer, or shows it for pasting elsewhere. */
export function PasteCodePage({ code, minutes, to }: { code: string; minutes: number; to?: string }) {
  const text = copy.cli.paste
  return (
    <Layout title={text.title}>
      <div id="paste">
        <p class="lead">
          <Sentence text={text.lead} minutes={String(minutes)} />
        </p>
        <p class="caution" id="guard">
          {text.guard}
        </p>
        <label for="code">{text.label}</label>
        <input id="code" class="code" type="text" readonly value={code} spellcheck={false} aria-describedby="guard" />
      </div>
      <HandOver to={to} />
    </Layout>
  )
}

/** The end of a terminal's sign-in without a code. */
export function CliFailedPage({ denied, to }: { denied: boolean; to?: string }) {
  const text = copy.cli.failed
  return (
    <Layout title={text.title} lead={fill(text.lead, { reason: denied ? text.denied : text.other }).join('')} failed>
      <HandOver to={to} />
    </Layout>
  )
}
