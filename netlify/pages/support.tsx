import { Sentence } from './layout.tsx'

/** Inserts the support contact for `{support}`. */
export function Support({ href, text }: { href?: string; text: string }) {
  if (href === undefined) return null
  const { protocol, host, pathname } = new URL(href)
  const name = protocol === 'mailto:' ? decodeURIComponent(pathname) : `${host}${pathname.replace(/\/$/, '')}`
  return (
    <p class="aside">
      <Sentence text={text} support={<a href={href}>{name}</a>} />
    </p>
  )
}
