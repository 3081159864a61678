import type { Child, PropsWithChildren } from 'hono/jsx'
import { words } from './console-words.ts'
import { fill } from './copy.ts'
import { type FormError, FormProblem } from './form-parts.tsx'
import { Hidden, Layout, Notice } from './layout.tsx'
import { displayName } from './safe.ts'

export type Frame = {
  /** Path of the section that is open. */
  section: string
  platform: boolean
  csrf: string
  now: Date
  notice?: string
  error?: FormError
  /** Shown without buttons: the operator may not act on this person. */
  readOnly?: boolean
}

/** A page of the console: its sections, and which scope the operator has. */
export function ConsolePage({ frame, title, children }: PropsWithChildren<{ frame: Frame; title: string }>) {
  const { section, platform, notice, error } = frame
  const open = Object.entries(words.sections).filter(
    ([path]) => platform || !(words.platformOnly as readonly string[]).includes(path),
  )
  return (
    <Layout title={title} wide="console" failed={Boolean(error)}>
      <nav class="links tabs" aria-label={words.nav}>
        {open.map(([path, name]) => (
          <a href={path} aria-current={path === section ? 'page' : undefined}>
            {name}
          </a>
        ))}
      </nav>
      <h1>{title}</h1>
      <Notice text={notice} />
      <FormProblem error={error} />
      {children}
    </Layout>
  )
}

/** A table that becomes a list of cards on narrow screens. */
export function Listing({ columns, rows, label }: { columns: string[]; rows: Child[][]; label: string }) {
  if (rows.length === 0) return <p>{words.none}</p>
  return (
    <table class="stack" aria-label={label}>
      <thead>
        <tr>
          {columns.map((column) => (
            <th scope="col">{column}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((cells) => (
          <tr>
            {cells.map((cell, index) => (
              <td data-label={columns[index]}>
                <div>{cell}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Links to older entries. */
export function Older({ href }: { href?: string }) {
  return href ? (
    <p class="row">
      <a href={href}>{words.older}</a>
    </p>
  ) : null
}

type ActionProps = { frame: Frame; act: keyof typeof words.actions; id: string; what: string; back: string }

/** An operator's action, which requires a reason. */
export function Action({ frame, act, id, what, back }: ActionProps) {
  if (frame.readOnly) return null
  const name = words.actions[act]
  const field = `reason-${act}-${id}`
  return (
    <details>
      <summary aria-label={fill(words.which, { action: name, what }).join('')}>{name}…</summary>
      <form method="post" action="/admin/act">
        <Hidden fields={{ csrf: frame.csrf, act, id, back }} />
        <label for={field}>{words.reason}</label>
        <input id={field} name="reason" type="text" required minlength={3} maxlength={200} autocomplete="off" />
        <button class="button small" type="submit" aria-label={fill(words.which, { action: name, what }).join('')}>
          {name}
        </button>
      </form>
    </details>
  )
}

/** A person's address as a link to their page. */
export function PersonLink({ uai, email }: { uai: string; email?: string }) {
  return (
    <a href={`/admin/people/${uai}`}>
      <bdi>{email ? displayName(email, '') : uai}</bdi>
    </a>
  )
}
