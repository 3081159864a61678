import { TIME_UNITS, timeUnit } from '../../shared/errors.ts'
import { copy, fill } from './copy.ts'
import { scriptElement } from './script.ts'

/** Counts each wait down and disables buttons until then. Without scripts they stay enabled, and the server responds. */
const script =
  scriptElement(`addEventListener('DOMContentLoaded',()=>{for(const e of document.querySelectorAll('[data-wait]')){const end=Date.now()+e.dataset.wait*1000,held=document.querySelectorAll('[data-held]'),U=${JSON.stringify(TIME_UNITS)};
e.removeAttribute('data-wait');const tick=()=>{const s=(end-Date.now())/1000;for(const b of held)b.disabled=s>0;
if(s<=0){clearInterval(timer);e.setAttribute('aria-live','polite');e.textContent=e.dataset.over;return}
const [unit,l]=U.find(u=>s<u[2]);e.textContent=e.dataset.text.replace('{wait}',new Intl.NumberFormat(document.documentElement.lang,{style:'unit',unit,unitDisplay:'long'}).format(Math.ceil(s/l)))};const timer=setInterval(tick,1000);tick()}})`)

/** A length of time in the language of the page, rounded up. */
export function durationText(seconds: number): string {
  const [unit, length] = timeUnit(seconds)
  const format = new Intl.NumberFormat(copy.lang, { style: 'unit', unit, unitDisplay: 'long' })
  return format.format(Math.max(1, Math.ceil(seconds / length)))
}

/** Inserts the time to wait for `{wait}`, and counts down if scripts run. */
export function Wait({ seconds, text = copy.wait.again }: { seconds: number; text?: string }) {
  return (
    <>
      {' '}
      <span role="timer" aria-live="off" data-wait={Math.ceil(seconds)} data-text={text} data-over={copy.wait.over}>
        {fill(text, { wait: durationText(seconds) }).join('')}
      </span>
      {script}
    </>
  )
}
