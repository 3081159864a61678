/** XML namespaces of SAML 2.0 and the standards it uses. */
export const NS = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  encryption: 'http://www.w3.org/2001/04/xmlenc#',
  encryption11: 'http://www.w3.org/2009/xmlenc11#',
  schemaInstance: 'http://www.w3.org/2001/XMLSchema-instance',
} as const

/** Why a SAML message is rejected: for the log, never for a page. */
class SamlError extends Error {
  override readonly name = 'SamlError'
}

/** @throws SamlError */
export const fail = (message: string): never => {
  throw new SamlError(message)
}

/**
 * Returns the root element of a well-formed document with one root and no document type: entities and defaults that a document type
 * declares could make two parsers read two different documents.
 * @throws SamlError
 */
export async function parseXml(text: string): Promise<Element> {
  if (/<!DOCTYPE|<!ENTITY/i.test(text)) fail('has a document type')
  const { DOMParser } = await import('./saml-library.ts')
  const complain = (message: string) => fail(`is not well-formed: ${message.slice(0, 100)}`)
  const errorHandler = { warning: complain, error: complain, fatalError: complain }
  const document = new DOMParser({ errorHandler, locator: {} }).parseFromString(text, 'text/xml')
  const roots = [...childrenOf(document)]
  return document?.documentElement && roots.length === 1
    ? document.documentElement
    : fail('does not have exactly one root')
}

function* childrenOf(node: Node | undefined): Iterable<Element> {
  for (let child = node?.firstChild; child; child = child.nextSibling) if (child.nodeType === 1) yield child as Element
}

/** Returns the children of an element with this name. */
const elements = (parent: Element, namespace: string, name: string): Element[] =>
  [...childrenOf(parent)].filter((one) => one.namespaceURI === namespace && one.localName === name)

/** Returns the only child with this name, if there is one. @throws SamlError when there are more */
export function optional(parent: Element, namespace: string, name: string): Element | undefined {
  const [first, second] = elements(parent, namespace, name)
  return second ? fail(`${parent.localName} has more than one ${name}`) : first
}

/** Returns the only child with this name. @throws SamlError when there is not exactly one */
export const one = (parent: Element, namespace: string, name: string): Element =>
  optional(parent, namespace, name) ?? fail(`${parent.localName} has no ${name}`)

/** Yields every descendant with this name. */
export function* descendants(parent: Element, namespace: string, name: string): Iterable<Element> {
  for (const child of childrenOf(parent)) {
    if (child.namespaceURI === namespace && child.localName === name) yield child
    yield* descendants(child, namespace, name)
  }
}

/** Returns the text of an element without its comments; undefined if it is empty. */
export const textOf = (element: Element | undefined): string | undefined => element?.textContent || undefined

/** Returns the value of an attribute; undefined if it is absent or empty. */
export const attributeOf = (element: Element | undefined, name: string): string | undefined =>
  element?.getAttribute(name) || undefined

/** Parses an `xs:dateTime`, which SAML requires in UTC (SAML Core section 1.3.3), to milliseconds. @throws SamlError */
export function timeOf(element: Element, name: string): number | undefined {
  const text = attributeOf(element, name)
  if (text === undefined) return undefined
  const [, date, zone] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)?$/.exec(text.trim()) ?? []
  const time = date ? Date.parse(`${date.replace(/(\.\d{3})\d+/, '$1')}${zone ?? 'Z'}`) : Number.NaN
  return Number.isNaN(time) ? fail(`${element.localName} has a ${name} that is not a time`) : time
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/** Escapes text for an element or a quoted attribute. */
export const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
