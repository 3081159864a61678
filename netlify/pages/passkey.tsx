import { Form, type FormError, Submit } from './form-parts.tsx'
import { scriptElement } from './script.ts'

/**
 * Shows the forms of passkeys where the browser can use them, runs their ceremonies, and posts the result. With `data-offered` the browser
 * also offers passkeys in the field with `autocomplete=webauthn`.
 */
const script =
  scriptElement(`addEventListener('DOMContentLoaded',async()=>{const P=window.PublicKeyCredential,N=navigator.credentials;
if(!P||!P.parseRequestOptionsFromJSON||!P.parseCreationOptionsFromJSON)return;let running;
for(const part of document.querySelectorAll('[data-passkey]')){const {passkey,options,offered}=part.dataset,form=part.querySelector('form'),
problem=part.querySelector('[role=alert]'),o=JSON.parse(options);
const run=async mediation=>{if(running)running.abort();const mine=running=new AbortController(),signal=mine.signal;
const c=passkey==='create'?await N.create({publicKey:P.parseCreationOptionsFromJSON(o),signal})
:await N.get({publicKey:P.parseRequestOptionsFromJSON(o),signal,...(mediation&&{mediation})});
form.elements.credential.value=JSON.stringify(c);form.submit()};
form.addEventListener('submit',e=>{e.preventDefault();problem.hidden=true;run().catch(()=>{problem.hidden=false})});
part.hidden=false;for(const e of document.querySelectorAll('[data-without-passkeys]'))e.hidden=true;
if(offered!==undefined&&P.isConditionalMediationAvailable&&await P.isConditionalMediationAvailable())run('conditional').catch(()=>{})}})`)

type PasskeyFormProps = {
  action: string
  csrf: string
  hidden?: Record<string, string | undefined>
  /** Options of the ceremony, as JSON of WebAuthn Level 3. */
  options: object
  /** Whether to create a passkey or to use one. */
  kind: 'create' | 'get'
  /** Whether the browser offers passkeys in the address field of the page. */
  offered?: boolean
  text: string
  /** Whether it is the main action of its page; otherwise a line separates it. */
  primary?: boolean
  /** The error when the browser returns no passkey. */
  failed: string
  error?: FormError
}

/** A form whose button starts a ceremony with a passkey; hidden where the browser cannot. */
export function PasskeyForm(props: PasskeyFormProps) {
  const { action, csrf, hidden, options, kind, offered, text, primary, failed, error } = props
  return (
    <>
      <div
        hidden
        class={primary ? undefined : 'aside'}
        data-passkey={kind}
        data-options={JSON.stringify(options)}
        data-offered={offered ? '' : undefined}
      >
        <Form action={action} csrf={csrf} hidden={{ ...hidden, credential: '' }} error={error}>
          <p class="alert" role="alert" hidden>
            {failed}
          </p>
          <Submit text={text} kind={primary ? 'primary' : 'plain'} />
        </Form>
      </div>
      {script}
    </>
  )
}

const signalScript =
  scriptElement(`for(const e of document.querySelectorAll('[data-signals]'))for(const {allAcceptedCredentialIds,name,displayName,...of} of JSON.parse(e.dataset.signals)){
const P=window.PublicKeyCredential;P?.signalAllAcceptedCredentials?.({...of,allAcceptedCredentialIds}).catch(()=>{});
P?.signalCurrentUserDetails?.({...of,name,displayName}).catch(()=>{})}`)

/** Lists for the browser which passkeys are accepted, and the names of the account. */
export function PasskeySignals({ signals }: { signals: object[] }) {
  return (
    <>
      <div hidden data-signals={JSON.stringify(signals)} />
      {signalScript}
    </>
  )
}

const supportScript =
  scriptElement(`const P=window.PublicKeyCredential;if(P?.parseCreationOptionsFromJSON)P.isUserVerifyingPlatformAuthenticatorAvailable().then(is=>{
for(const e of document.getElementsByName('passkeys'))e.value=is?'1':''})`)

/** A field, `passkeys`, that says whether this device can keep passkeys. */
export function PasskeySupport() {
  return (
    <>
      <input type="hidden" name="passkeys" value="" />
      {supportScript}
    </>
  )
}
