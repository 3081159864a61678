/** Whether a User-Agent header claims to be of a browser; that of a program names none, and needs no parser. */
const isOfBrowser = (userAgent: string | undefined): userAgent is string =>
  userAgent?.startsWith('Mozilla/5.0 (') === true

/** Returns the family of the browser that a User-Agent header claims, whatever its version and system. */
export async function browserFamily(userAgent: string | undefined): Promise<string | undefined> {
  return isOfBrowser(userAgent) ? (await import('./user-agent-library.ts')).familyOf(userAgent) : undefined
}

/**
 * Names the browser and system that a User-Agent header claims, such as "Firefox on Windows". Returns only names of known ones, since
 * the sender controls the header and could put any text there.
 */
export async function describeUserAgent(userAgent: string | undefined): Promise<string | undefined> {
  return isOfBrowser(userAgent) ? (await import('./user-agent-library.ts')).descriptionOf(userAgent) : undefined
}
