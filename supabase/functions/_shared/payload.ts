/** A mail address as far as it must hold before the provider judges it. */
export function isAddress(value: unknown): value is string {
  return isText(value, /^[^\s\p{Cc}@<>,;:"()[\]\\]{1,64}@[^\s\p{Cc}@<>,;:"()[\]\\]{1,190}$/u)
}

/** A host with its port, if any. */
export function isHost(value: unknown): value is string {
  return isText(value, /^[a-z0-9.-]{1,253}(:\d{1,5})?$/)
}

export function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value)
}

export function isOptionalText(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || (typeof value === 'string' && value.length <= 200)
}
