import { fill } from './copy.ts'
import { CopyField } from './copy-field.tsx'
import { ButtonLink, Form, type FormError, Submit } from './form-parts.tsx'
import { Layout, Name, Sentence } from './layout.tsx'
import { scriptElement } from './script.ts'

/** Every English sentence of the pages for terminals. */
const words = {
  welcome: {
    title: 'Signed in for the command line',
    lead: 'You are signed in as {email}. If you came from a terminal on this computer, go back to it.',
    headless: 'Is the terminal on another machine, without a browser?',
    explain:
      'Create a token here and paste it there. It is valid for a day, with all permissions of the command line. Don’t share it.',
    make: 'Show me a token',
  },
  token: {
    title: 'Your token',
    lead: 'Copy it now: it is shown only once. Paste it where the command line asks for it.',
    label: 'Token',
    until: 'It works until {until}.',
    done: 'Done',
  },
  paste: {
    title: 'Finish in your terminal',
    lead: 'Paste this code into the terminal where you started. It works once, for {minutes} minutes.',
    label: 'Code',
    guard: 'Don’t share it: someone who started this sign-in could use it to sign in as you.',
    handedOver: 'Your terminal has taken over. You can close this page.',
  },
  failed: {
    title: 'The sign-in was not finished',
    lead: 'The terminal was not signed in: {reason} You can close this page and start again there.',
    denied: 'access was denied.',
    other: 'the request could not be completed.',
  },
} as const

type WelcomeProps = { email: string; action: string; csrf: string; error?: FormError }

/** The end of a command-line sign-in that did not start in a terminal on this computer. */
export function CliWelcomePage({ email, ...form }: WelcomeProps) {
  const text = words.welcome
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
  const text = words.token
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
      <p id="handed-over" class="notice" role="status" data-to={to} data-done={words.paste.handedOver} hidden></p>
      {handOver}
    </>
  )
}

/** Sends the code to the terminal on this computer, or shows it for pasting elsewhere. */
export function PasteCodePage({ code, minutes, to }: { code: string; minutes: number; to?: string }) {
  const text = words.paste
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
  const text = words.failed
  return (
    <Layout title={text.title} lead={fill(text.lead, { reason: denied ? text.denied : text.other }).join('')} failed>
      <HandOver to={to} />
    </Layout>
  )
}
