/** Returns a name that a third party chose, unless it contains an address or a number that mail clients would link. */
export function safeName(name: string | undefined): string | undefined {
  const trimmed = name?.normalize('NFC').trim().replace(/ {2,}/g, ' ')
  if (!trimmed || trimmed.length > 60) return undefined
  if (!/^[\p{L}\p{N}][\p{L}\p{M}\p{N} .,'’&()+_-]*$/u.test(trimmed)) return undefined
  const linkable = /\p{L}\.\p{L}{2,}|\d\.\d+\.\d|\d[\d ()+.-]{5,}\d/u
  return linkable.test(trimmed) ? undefined : trimmed
}
