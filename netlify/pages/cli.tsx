import { createHash } from 'node:crypto'
import { raw } from 'hono/html'
import { words } from './cli-words.ts'
import { CopyField } from './copy-field.tsx'
import { type FormError, FormProblem } from './form-parts.tsx'
import { Hidden, Layout, Name, Sentence } from './layout.tsx'

type WelcomeProps = { email: string; action: string; csrf: string; error?: FormError }

/** The end of a command-line sign-in that did not start in a terminal on this computer. */
export function CliWelcomePage({ email, action, csrf, error }: WelcomeProps) {
  const text = words.welcome
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <p class="lead">
        <Sentence text={text.lead} email={<Name>{email}</Name>} />
      </p>
      <h2>{text.headless}</h2>
      <p>{text.explain}</p>
      <FormProblem error={error} />
      <form method="post" action={action} class="actions">
        <Hidden fields={{ csrf }} />
        <button class="button" type="submit">
          {text.make}
        </button>
      </form>
    </Layout>
  )
}

/** Shows a token to paste, once. */
export function CliTokenPage({ token, until, backHref }: { token: string; until: Date; backHref: string }) {
  const text = words.token
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <CopyField label={text.label} value={token} />
      <p class="note">
        <Sentence text={text.until} until={<time datetime={until.toISOString()}>{until.toUTCString()}</time>} />
      </p>
      <div class="actions">
        <a class="button primary" href={backHref}>
          {text.done}
        </a>
      </div>
    </Layout>
  )
}

const handOver = `const h=document.getElementById('handed-over');
fetch(h.dataset.to,{mode:'no-cors',cache:'no-store'}).then(()=>{h.textContent=h.dataset.done;h.hidden=false;
const p=document.getElementById('paste');if(p)p.hidden=true},()=>{})`

/** The script of the hosted callback as a Content-Security-Policy source. */
export const handOverScriptSource = `'sha256-${createHash('sha256').update(handOver).digest('base64')}'`

/** Sends the result of the sign-in to the terminal on this computer, if one listens. */
function HandOver({ to }: { to?: string }) {
  if (!to) return null
  return (
    <>
      <p id="handed-over" class="notice" role="status" data-to={to} data-done={words.paste.handedOver} hidden></p>
      <script>{raw(handOver)}</script>
    </>
  )
}

/** Sends the code to the terminal on this computer, or shows it for pasting elsewhere. */
export function PasteCodePage({ code, minutes, to }: { code: string; minutes: number; to?: string }) {
  const text = words.paste
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
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
  const text = words.failed
  return (
    <Layout title={text.title} failed>
      <h1>{text.title}</h1>
      <p class="lead">
        <Sentence text={text.lead} reason={denied ? text.denied : text.other} />
      </p>
      <HandOver to={to} />
    </Layout>
  )
}
