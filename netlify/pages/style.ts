import { deploymentBrand } from '../../shared/config.ts'
import { once } from '../../shared/once.ts'
import { inlineSource } from './script.ts'

/** The one stylesheet of all pages. */
export const stylesheet = `
:root{color-scheme:light dark;
--ground:#f2f5f4;--ring:#ebf0ee;--surface:#fff;--ink:#14211e;--muted:#50605b;--line:#d6dedb;--edge:#7b8b86;
--brand:#0b5c52;--brand-strong:#084a42;--on-brand:#fff;--tint:#eef5f3;
--danger:#9d1f17;--danger-tint:#fcf0ee;--danger-line:#e6b9b4;--caution:#6d4a00;--caution-tint:#fdf6e6;--caution-line:#e3cf9d}
@media (prefers-color-scheme:dark){:root{
--ground:#0d1312;--ring:#111917;--surface:#151d1b;--ink:#e7eeeb;--muted:#a2b1ac;--line:#2a3633;--edge:#71837d;
--brand:#6fd3c1;--brand-strong:#8fe0d1;--on-brand:#05211c;--tint:#1a2623;
--danger:#ffb0a6;--danger-tint:#2b1815;--danger-line:#6b332c;--caution:#f0cd83;--caution-tint:#282110;--caution-line:#5f4d1e}}
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;
padding:clamp(1.5rem,9vh,5.5rem) 1.25rem 1.5rem;background:var(--ground);color:var(--ink);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
body>*{width:100%;max-width:27.5rem}
@media (min-width:60rem){body{background-image:radial-gradient(circle at calc(100% - 5rem) calc(100% - 2rem),transparent 13.95rem,var(--ring) 14rem 18.9rem,transparent 18.95rem);background-repeat:no-repeat;background-attachment:fixed}}
h1{margin:0 0 .625rem;font-size:1.5625rem;line-height:1.25;font-weight:650;letter-spacing:-.018em;text-wrap:balance}
h2{margin:0 0 .75rem;font-size:1rem;line-height:1.4;font-weight:650}
p{margin:0 0 1rem;text-wrap:pretty}
a{color:var(--brand);text-decoration-thickness:1px;text-underline-offset:.2em}
a:hover{color:var(--brand-strong);text-decoration-thickness:2px}
strong{font-weight:650}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.875em}
:focus-visible{outline:3px solid var(--brand);outline-offset:2px;border-radius:4px}
.brand{display:flex;align-items:center;gap:.625rem;margin:0 0 1.5rem;font-size:1.0625rem;font-weight:650;letter-spacing:-.012em}
.brand svg{width:2rem;height:2rem;flex:none}
.mark-ground{fill:var(--brand)}.mark-line,.icon{fill:none;stroke:var(--on-brand);stroke-width:3;stroke-linecap:round;stroke-linejoin:round}
.icon{stroke:currentColor;stroke-width:2}
main{padding:2.25rem;background:var(--surface);border:1px solid var(--line);border-radius:16px}
main>:last-child,main>form:last-child>:last-child{margin-bottom:0}
.lead,.note{color:var(--muted)}
.lead strong{color:var(--ink)}
.lead{margin-bottom:1.5rem}
.note{font-size:.9375rem;margin:1rem 0 0}
footer{margin-top:auto;padding-top:2rem;font-size:.875rem;color:var(--muted)}
.languages{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin-top:.5rem}
label{display:block;margin-bottom:.4375rem;font-weight:600}
input[type=tel],input[type=password],input[type=text],select{display:block;width:100%;min-height:3rem;padding:.625rem .875rem;border:1px solid var(--edge);
border-radius:10px;background:var(--surface);color:inherit;font:inherit}
input:focus-visible,select:focus-visible{outline:3px solid var(--brand);outline-offset:0;border-color:transparent;border-radius:10px}
input[aria-invalid=true]{border-color:var(--danger);border-width:2px}
.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:1.625rem;font-variant-numeric:tabular-nums;letter-spacing:.32em;
text-align:center;padding-left:calc(.875rem + .32em)}
.button{display:flex;align-items:center;justify-content:center;width:100%;min-height:3rem;padding:.625rem 1.125rem;
border:1px solid var(--edge);border-radius:10px;background:transparent;color:var(--ink);font:inherit;font-weight:600;line-height:1.3;
text-align:center;text-decoration:none;cursor:pointer;transition:background-color .12s ease}
.button:hover{background:var(--tint);color:var(--ink)}
.button:focus-visible{border-radius:10px}
.primary{margin-top:1.25rem;border-color:transparent;background:var(--brand);color:var(--on-brand)}
.primary:hover{background:var(--brand-strong);color:var(--on-brand)}
.link{display:inline;padding:.25rem 0;border:0;background:none;color:var(--brand);font:inherit;text-decoration:underline;
text-decoration-thickness:1px;text-underline-offset:.2em;cursor:pointer}
.link:hover{color:var(--brand-strong);text-decoration-thickness:2px}
.link:disabled{color:var(--muted);text-decoration:none;cursor:default}
.actions{display:flex;flex-direction:column;gap:.75rem;margin-top:1.5rem}
.actions .button{margin:0}
.alert,.notice,.caution{margin:0 0 1.5rem;padding:.75rem 1rem;border:1px solid;border-radius:10px;font-size:.9375rem}
.alert{color:var(--danger);background:var(--danger-tint);border-color:var(--danger-line)}
.notice{background:var(--tint);border-color:var(--line)}
.caution{color:var(--caution);background:var(--caution-tint);border-color:var(--caution-line)}
.aside{margin:1.75rem 0 0;padding:1.25rem 0 0;border-top:1px solid var(--line);font-size:.9375rem;color:var(--muted)}
.providers{display:flex;flex-direction:column;gap:.75rem}
.links{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:0}
.pairs{display:flex;flex-wrap:wrap;gap:.75rem 2rem}
.row{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;justify-content:space-between;align-items:center}
dl{margin:0}
dt{font-size:.875rem;color:var(--muted)}
dd{margin:0;font-weight:600}
.facts{margin:1.5rem 0;border:1px solid var(--line);border-radius:12px}
.facts>div{display:grid;gap:0 1rem;padding:.8125rem 1rem}
.facts>div+div{border-top:1px solid var(--line)}
.facts a,.plain{font-size:.9375rem;font-weight:400}
.first{background:var(--tint);border-radius:11px 11px 0 0}
.host{font-size:1.125rem;letter-spacing:-.008em}
@media (min-width:30.01rem){.facts.wide>div{grid-template-columns:7.75rem 1fr}.facts.wide dd{grid-column:2}.facts.wide .first{align-items:baseline}.facts.wide dt{padding-top:.125rem}}
.badge{display:inline-flex;align-items:center;gap:.375rem;margin:0;font-size:.9375rem;color:var(--muted)}
.badge.good{color:var(--brand)}
.scopes{list-style:none;margin:0;padding:0}
.scopes li{display:flex;gap:.75rem;padding:.4375rem 0;line-height:1.45}
.scopes li::before{content:"";flex:none;width:.4375rem;height:.4375rem;margin-top:.5rem;border-radius:50%;background:var(--brand)}
.scopes .sensitive::before{background:var(--caution)}
.tag{display:inline-block;padding:0 .5rem;border:1px solid var(--caution-line);border-radius:99px;
background:var(--caution-tint);color:var(--caution);font-size:.8125rem;white-space:nowrap}
details{margin-top:1rem;font-size:.9375rem}
details:first-child{margin-top:0}
summary{padding:.25rem 0;color:var(--muted);cursor:pointer}
summary:hover{color:var(--ink)}
.mono{font-weight:500}
details dl{margin-top:.5rem}
details dd{font-weight:400;margin-bottom:.625rem}
body.wide>*{max-width:46rem}
body.console>*{max-width:76rem}
body.account>*{max-width:66rem}
body.account{padding-top:clamp(1.25rem,5vh,3rem)}
.sections h2{margin:0 0 .5rem;padding:0 .75rem;color:var(--muted);font-size:.875rem}
.sections ul{display:flex;flex-wrap:wrap;gap:.25rem;margin:0 0 1.5rem;padding:0;list-style:none}
.sections a{display:flex;align-items:center;gap:.625rem;min-height:2.75rem;padding:.375rem .75rem;border-radius:10px;color:var(--ink);font-size:.9375rem;text-decoration:none}
.sections a:hover{background:var(--ring);text-decoration:underline}
.sections [aria-current]{background:var(--surface);box-shadow:inset 0 0 0 1px var(--line);font-weight:650}
.sections .icon{flex:none;width:1.125rem;height:1.125rem;color:var(--muted)}
.sections [aria-current] .icon{color:var(--brand)}
@media (max-width:29.99rem){.sections ul{display:grid;grid-template-columns:1fr 1fr}.sections a{height:100%;line-height:1.3}}
@media (min-width:60rem){.beside{display:grid;grid-template-columns:14.5rem minmax(0,1fr);gap:1.5rem;align-items:start}
.sections{position:sticky;top:1.5rem}.sections ul{display:block}.sections li+li{margin-top:.125rem}.sections li:last-child{margin-top:.75rem;padding-top:.75rem;border-top:1px solid var(--line)}}
.item{display:grid;grid-template-columns:2.5rem minmax(0,1fr);gap:.75rem 1rem;align-items:start}
.item h3{margin:.375rem 0 .25rem}
.item p{margin:0}.item .note{margin:.125rem 0 0}.item .mono{margin:.125rem 0 .5rem}.item .pairs{margin:.5rem 0 0}
.account .across .button{flex:0 1 auto}.account section+section{margin-top:2.5rem}
.account h2+.note{margin-top:-.375rem;margin-bottom:1rem}
.item .act{grid-column:2}
@media (min-width:40rem){.item{grid-template-columns:2.5rem minmax(0,1fr) auto}.item .act{grid-column:3}}
.mark{display:grid;place-items:center;width:2.5rem;height:2.5rem;border-radius:10px;background:var(--tint);color:var(--brand);font-weight:650}
.mark .icon{width:1.375rem;height:1.375rem}
.tabs{margin-bottom:1.5rem;padding-bottom:.75rem;border-bottom:1px solid var(--line);font-size:.9375rem}
.tabs [aria-current]{color:var(--ink);font-weight:650;text-decoration:none}
.charts{display:grid;gap:1.25rem;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr))}
.chart{margin:0;padding:1rem;border:1px solid var(--line);border-radius:12px}
.chart figcaption{margin-bottom:.5rem;font-size:.875rem;color:var(--muted)}
.chart svg{display:block;width:100%;height:4.5rem}
.chart rect{fill:var(--brand)}.chart .empty{fill:var(--line)}
.search{display:flex;flex-wrap:wrap;gap:.5rem;align-items:end;margin-bottom:1.25rem}
.search label{flex:1 1 100%;margin:0}.search input{flex:1 1 14rem;width:auto;min-height:2.5rem}
.stack{font-size:.9375rem}.stack td{vertical-align:top}.stack td>div{min-width:0}.stack time,.stack .id{white-space:nowrap}.stack details{margin:0}.stack code{overflow-wrap:anywhere}
@media (max-width:48rem){.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stack tr{display:block;padding:.75rem 0;border-top:1px solid var(--line)}
.stack td{display:flex;gap:.75rem;border:0;padding:.125rem 0}
.stack td::before{content:attr(data-label);flex:0 0 6rem;color:var(--muted);font-size:.875rem}}
[hidden]{display:none!important}
section{margin-top:2rem}
.small{display:inline-flex;width:auto;min-height:2.5rem;margin:0}
main>.row{margin-bottom:1rem}
main>.row h1{margin:0}
.cards{list-style:none;margin:1.5rem 0 0;padding:0}
.cards>li{padding:1.25rem;border:1px solid var(--line);border-radius:12px}
.cards>li+li{margin-top:1rem}
.cards h2,.cards h3{margin:0;font-size:1.0625rem}
.cards .mono{margin:.25rem 0 .75rem;color:var(--muted)}
.cards .pairs{margin:1rem 0}.cards .row{row-gap:.75rem}.row .pairs:last-child{margin-bottom:0}
.cards .links{font-size:.9375rem}
.tag.good{border-color:var(--line);background:var(--tint);color:var(--brand)}
.pairs dd{font-size:.9375rem}
fieldset{margin:1.5rem 0 0;padding:0;border:0;min-width:0}
legend{margin:0 0 .4375rem;padding:0;font-weight:600}
legend+.note{margin:0 0 .5rem}
input+.note,select+.note{margin:.4375rem 0 0}
.choices{display:grid;gap:.75rem 1.5rem}
@media (min-width:40rem){.choices{grid-template-columns:1fr 1fr}}
.group{margin:0}
.group legend{margin:0;font-size:.875rem;font-weight:400;color:var(--muted)}
.choice{display:flex;gap:.625rem;align-items:baseline;margin:0;padding:.375rem 0;font-weight:400;cursor:pointer}
.choice input{flex:none;width:1.125rem;height:1.125rem;margin:0;accent-color:var(--brand);transform:translateY(.1875rem)}
details label{margin-top:1rem}
.across{flex-direction:row;flex-wrap:wrap;row-gap:.75rem}
.across .button{width:auto;flex:1 1 12rem}
#copy{margin-top:.75rem}
#copied{min-height:1.5rem;margin:.5rem 0 0}
.history{margin:0;padding:0 0 0 1.25rem;color:var(--ink)}
.history li{padding:.25rem 0}
.listing{margin:0 0 1.5rem;padding:.875rem 1rem;border:1px solid var(--line);border-radius:10px;background:var(--tint);white-space:pre-wrap}
table{width:100%;border-collapse:collapse}
caption{text-align:left;font-weight:600;padding:.75rem 0 .25rem}
th,td{padding:.375rem .5rem .375rem 0;text-align:left;font-weight:400;font-variant-numeric:tabular-nums;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--muted);font-size:.875rem}
tbody th{white-space:nowrap;width:8rem}
.qr{display:block;width:min(100%,15rem);height:auto;margin:0 auto 1rem;padding:.5rem;border-radius:10px;background:#fff}
.codes{display:grid;grid-template:repeat(5,auto)/1fr 1fr;grid-auto-flow:column;column-gap:2rem;margin:0 0 1.5rem;padding:1rem 1rem 1rem 2.5rem;border:1px solid var(--line);border-radius:12px;
font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9375rem}
.codes li{padding:.25rem 0;white-space:nowrap}
@media (max-width:26rem){.codes{grid-template:none;grid-auto-flow:row}}
@media print{body{background:none}.actions,.languages,footer{display:none!important}main{border:0}}
.secret{font-size:1.5rem;text-align:center;letter-spacing:.08em;padding:1rem;border:1px solid var(--line);border-radius:12px;background:var(--tint);user-select:all}
.below{margin-top:1.5rem}
.spaced input+label,.spaced .note+label,.spaced select+label{margin-top:1.25rem}
.short{max-width:26rem}.account .short .primary{width:auto;min-width:8rem}
.bar{display:block;width:100%;height:.375rem;margin-top:.1875rem}
.bar rect{fill:var(--brand);rx:1}
.hidden{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (max-width:30rem){body{padding-top:1.25rem}main{padding:1.5rem 1.25rem}.brand{margin-bottom:1.125rem}h1{font-size:1.375rem}}
@media (prefers-reduced-motion:reduce){*{transition:none!important}}
@media (forced-colors:active){.primary{border-color:ButtonText}.scopes li::before{background:CanvasText}}
`

const STRONG = '--brand-strong:color-mix(in srgb,var(--brand) 80%,var(--ink))'

/** The stylesheet with the colours of the deployment. */
export const pageStyle = once((): string => {
  const { colours } = deploymentBrand()
  if (!colours) return stylesheet
  const dark = `@media (prefers-color-scheme:dark){:root{--brand:${colours.dark}}}`
  return `${stylesheet}:root{--brand:${colours.light};${STRONG}}${dark}`
})

/** The stylesheet as a Content-Security-Policy source. */
export const stylesheetSource = (): string => sourceOf()()
const sourceOf = once(() => inlineSource(pageStyle()))
