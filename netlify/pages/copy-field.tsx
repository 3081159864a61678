import type { Child } from 'hono/jsx'
import { copy } from './copy.ts'
import { scriptElement } from './script.ts'

const script = scriptElement(`const b=document.getElementById('copy'),k=document.getElementById('key');
if(b&&navigator.clipboard){b.hidden=false;b.addEventListener('click',async()=>{k.select();await navigator.clipboard.writeText(k.value);
document.getElementById('copied').textContent=b.dataset.done})}`)

/** A text with a copy button; without scripts it is copied manually. One per page. */
export function CopyField({ label, value }: { label: Child; value: string }) {
  return (
    <>
      <label for="key">{label}</label>
      <input id="key" class="mono" type="text" readonly value={value} autofocus spellcheck={false} />
      <button id="copy" class="button" type="button" hidden data-done={copy.copied}>
        {copy.copyIt}
      </button>
      <p id="copied" class="note" role="status"></p>
      {script}
    </>
  )
}
