import { createHash } from 'node:crypto'
import { raw } from 'hono/html'
import { words } from './api-key-words.ts'
import { fill } from './copy.ts'
import { Layout, Notice } from './layout.tsx'
import { displayName } from './safe.ts'

/** The one script of these pages: without it the key is selected and copied by hand. */
const script = `const b=document.getElementById('copy'),k=document.getElementById('key');
if(b&&navigator.clipboard){b.hidden=false;b.addEventListener('click',async()=>{k.select();await navigator.clipboard.writeText(k.value);
document.getElementById('copied').textContent=b.dataset.done})}`

/** The script as a Content-Security-Policy source. */
export const copyScriptSource = `'sha256-${createHash('sha256').update(script).digest('base64')}'`

/** Shows a new key, this once. */
export function ApiKeyShownPage({
  apiKey,
  name,
  backHref,
  notice,
}: {
  apiKey: string
  name: string
  backHref: string
  notice?: string
}) {
  const text = words.shown
  return (
    <Layout title={text.title}>
      <h1>{text.title}</h1>
      <Notice text={notice} />
      <p class="lead">{text.lead}</p>
      <label for="key">
        {fill(text.label, { name: '' })}
        <bdi>{displayName(name, words.unnamed)}</bdi>
      </label>
      <input id="key" class="mono" type="text" readonly value={apiKey} autofocus spellcheck={false} />
      <button id="copy" class="button" type="button" hidden data-done={text.copied}>
        {text.copy}
      </button>
      <p id="copied" class="note" role="status"></p>
      <div class="actions">
        <a class="button primary" href={backHref}>
          {text.done}
        </a>
      </div>
      <script>{raw(script)}</script>
    </Layout>
  )
}
