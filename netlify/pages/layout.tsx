import { raw } from 'hono/html'
import type { Child, PropsWithChildren } from 'hono/jsx'
import { deploymentBrand } from '../../shared/config.ts'
import { once } from '../../shared/once.ts'
import { copy, fill } from './copy.ts'
import { LanguageSwitch } from './language-switch.tsx'
import { pageStyle } from './style.ts'
import { Wait } from './wait.tsx'

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='9' fill='%230b5c52'/%3E%3Cpath d='M8.5 7.5v16h15.5M24.5 12.5a5 5 0 1 1-10 0a5 5 0 1 1 10 0z' fill='none' stroke='%23fff' stroke-width='3' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"

/** Head and brand of every page, as text: as elements they would cost as much as the rest of the page. */
const head = once(() =>
  raw(
    `<meta name="viewport" content="width=device-width, initial-scale=1"/><meta name="color-scheme" content="light dark"/><meta name="robots" content="noindex"/><link rel="icon" href="${deploymentBrand().isOurs ? icon : (deploymentBrand().logo ?? 'data:,')}"/><style>${pageStyle()}</style>`,
  ),
)
/** The LanOnasis mark, an O at home in an L. Decoration; the name stands beside it. */
const mark = raw(
  '<svg viewBox="0 0 32 32" aria-hidden="true" focusable="false"><rect class="mark-ground" width="32" height="32" rx="9"/><path class="mark-line" d="M8.5 7.5v16h15.5M24.5 12.5a5 5 0 1 1-10 0a5 5 0 1 1 10 0z"/></svg>',
)

/** The logo of the deployment, if it has one. */
function Mark() {
  const { isOurs, logo } = deploymentBrand()
  if (isOurs) return mark
  return logo ? <img src={logo} alt="" width="32" height="32" /> : null
}

type LayoutProps = PropsWithChildren<{
  title: string
  /** The heading, if it is not the title; `false` for a page that has its own. */
  heading?: Child | false
  lead?: Child
  notice?: string
  /** Puts "Error:" first in the title, where screen readers and tabs show it. */
  failed?: boolean
  /** Gives lists and long forms more room, and pages beside a navigation and the console still more. */
  wide?: boolean | 'account' | 'console'
  /** The navigation beside the page. */
  aside?: Child
  /** Whether the page has a main form, which the language switch posts so that it keeps what was typed. */
  form?: boolean
}>

/** The frame of every page, with its heading. */
export function Layout({ title, heading = title, lead, notice, failed, wide, aside, form, children }: LayoutProps) {
  const state = failed ? fill(copy.titleError, { title }).join('') : title
  const main = (
    <main>
      {heading !== false && <h1>{heading}</h1>}
      {lead && <p class="lead">{lead}</p>}
      <Notice text={notice} />
      {children}
    </main>
  )
  return (
    <html lang={copy.lang}>
      <head>
        {raw('<meta charset="utf-8"/>')}
        <title>{fill(copy.titleSite, { title: state }).join('')}</title>
        {head()}
      </head>
      <body class={typeof wide === 'string' ? `wide ${wide}` : wide ? 'wide' : undefined}>
        <header class="brand">
          <Mark />
          {deploymentBrand().name}
        </header>
        {aside ? (
          <div class="beside">
            {aside}
            {main}
          </div>
        ) : (
          main
        )}
        <footer>
          {copy.tagline}
          <LanguageSwitch posts={form} />
        </footer>
      </body>
    </html>
  )
}

/** A section of a page, with its heading. */
export function Section({
  id,
  title,
  note,
  children,
}: PropsWithChildren<{ id: string; title: string; note?: string }>) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {note && <p class="note">{note}</p>}
      {children}
    </section>
  )
}

/** An error, linked to its field by `id` through `aria-describedby`, with the seconds to wait. */
export function Problem({ id, text, wait }: { id: string; text?: string; wait?: number }) {
  return text ? (
    <p class="alert" role="alert" id={id}>
      {text}
      {wait !== undefined && <Wait seconds={wait} />}
    </p>
  ) : null
}

/** Information that needs no action. */
export function Notice({ text }: { text?: string }) {
  return text ? (
    <p class="notice" role="status">
      {text}
    </p>
  ) : null
}

/** A name that someone else chose, isolated so that its writing direction cannot reorder the text around it. */
export function Name({ children }: PropsWithChildren) {
  return (
    <strong>
      <bdi>{children}</bdi>
    </strong>
  )
}

/** A term of a definition list and its description; `mono` for an identifier. */
export function Fact({ term, mono, children }: PropsWithChildren<{ term: string; mono?: boolean }>) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{mono ? <span class="mono">{children}</span> : children}</dd>
    </div>
  )
}

/** A sentence of the copy with elements in its `{name}` places. */
export function Sentence({ text, ...parts }: { text: string } & Record<string, Child>) {
  return <>{fill<Child>(text, parts)}</>
}
