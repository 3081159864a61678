import { copy } from './copy.ts'
import { scriptElement } from './script.ts'
import { Wait } from './wait.tsx'

export type WorkProps = { action: string; challenge: object; wait?: number }

/** Solves a challenge of ALTCHA (PBKDF2), and submits the form with the solution if it is complete. */
const script =
  scriptElement(`addEventListener('DOMContentLoaded',async()=>{const e=document.getElementById('work'),c=JSON.parse(e.dataset.challenge),p=c.parameters,
form=[...document.forms].find(f=>f.getAttribute('action')===e.dataset.action);if(!form||!window.crypto?.subtle)return;
e.querySelector('[data-wait]')?.removeAttribute('data-wait');e.textContent=e.dataset.working;
const bytes=h=>Uint8Array.from(h.match(/../g),x=>parseInt(x,16)),hex=b=>[...b].map(x=>x.toString(16).padStart(2,'0')).join(''),
nonce=bytes(p.nonce),salt=bytes(p.salt),start=performance.now(),
tryOne=async n=>{const b=new Uint8Array(nonce.length+4);b.set(nonce);new DataView(b.buffer).setUint32(nonce.length,n);
const k=await crypto.subtle.importKey('raw',b,'PBKDF2',false,['deriveBits']);
return hex(new Uint8Array(await crypto.subtle.deriveBits({name:'PBKDF2',hash:'SHA-256',salt,iterations:p.cost},k,p.keyLength*8)))};
for(let n=0;;n+=8){const keys=await Promise.all(Array.from({length:8},(_,i)=>tryOne(n+i))),i=keys.findIndex(k=>k.startsWith(p.keyPrefix));
if(i<0)continue;const f=document.createElement('input');f.type='hidden';f.name='altcha';
f.value=btoa(JSON.stringify({challenge:c,solution:{counter:n+i,derivedKey:keys[i],time:Math.round(performance.now()-start)}}));
form.append(f);e.textContent=e.dataset.done;if(form.checkValidity())form.requestSubmit();return}})`)

/** Asks the browser for a proof of work and then resubmits the form with that action; without scripts, asks the person to wait. */
export function Work({ action, challenge, wait }: WorkProps) {
  const text = copy.work
  return (
    <>
      <p
        class="notice"
        role="status"
        id="work"
        data-action={action}
        data-challenge={JSON.stringify(challenge)}
        data-working={text.working}
        data-done={text.done}
      >
        {text.busy}
        {wait !== undefined && <Wait seconds={wait} />}
      </p>
      {script}
    </>
  )
}
