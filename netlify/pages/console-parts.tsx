import type { Child, PropsWithChildren } from 'hono/jsx'
import { words } from './console-words.ts'
import { Form, type FormError, FormProblem, ReasonField, Submit } from './form-parts.tsx'
import { Layout, Notice } from './layout.tsx'
import { displayName } from './safe.ts'

export type Section = keyof typeof words.sections

/** Sections for operators of all organizations. */
export const PLATFORM_ONLY: readonly string[] = ['/admin/clients', '/admin/connections']

export type Frame = {
  /** Path of the section that is open. */
  section: Section
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
  const open = Object.entries(words.sections).filter(([path]) => platform || !PLATFORM_ONLY.includes(path))
  return (
    <Layout title={title} heading={false} wide="console" failed={Boolean(error)}>
      <nav class="links tabs" aria-label={words.title}>
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

type ListingProps = { columns: (keyof typeof words.columns)[]; rows: Child[][]; label: string }

/** A table that becomes a list of cards on narrow screens. */
export function Listing({ columns, rows, label }: ListingProps) {
  if (rows.length === 0) return <p>{words.none}</p>
  return (
    <table class="stack" aria-label={label}>
      <thead>
        <tr>
          {columns.map((column) => (
            <th scope="col">{words.columns[column]}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((cells) => (
          <tr>
            {columns.map((column, index) => (
              <td data-label={words.columns[column]}>
                <div>{cells[index]}</div>
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
  const label = `${name} ${what}`
  return (
    <details>
      <summary aria-label={label}>{name}…</summary>
      <Form action="/admin/act" csrf={frame.csrf} hidden={{ act, id, back }}>
        <ReasonField id={`reason-${act}-${id}`} label={words.reason} />
        <Submit kind="small" text={name} label={label} />
      </Form>
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
