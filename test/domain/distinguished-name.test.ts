import { X509Certificate } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { isSameName } from '../../shared/oauth/token/distinguished-name.ts'
import { openWorkshop } from '../support/certificates.ts'

const workshop = openWorkshop()
const authority = workshop.authority('names')
afterAll(() => workshop.remove())

/** As Node reads it from a real certificate. */
const subjectOf = (subject: string) => new X509Certificate(authority.issue(subject).cert).subject

test.each([
  ['CN=svc,O=LanOnasis,C=DE', '/C=DE/O=LanOnasis/CN=svc'],
  ['cn = svc , o = LanOnasis , c = DE', '/C=DE/O=LanOnasis/CN=svc'],
  ['C = DE, O = LanOnasis, CN = svc', '/C=DE/O=LanOnasis/CN=svc'],
  ['2.5.4.3=svc,organizationName=LanOnasis', '/O=LanOnasis/CN=svc'],
  ['CN=a\\, b\\=c,O=Caf\\C3\\A9', '/O=Café/CN=a, b=c'],
  ['CN=Jörg \\+ Söhne \\"GmbH\\"\\;,O=x', '/O=x/CN=Jörg \\+ Söhne "GmbH";'],
  ['CN=\\#1\\ ,O=x', '/O=x/CN=#1 '],
  ['CN=a\\\\,O=x', '/O=x/CN=a\\\\'],
])('%s is the subject %s', (registered, subject) => {
  expect(isSameName(registered, subjectOf(subject))).toBe(true)
})

test.each([
  ['CN=svc,O=LanOnasis', '/O=LanOnasis/CN=svc2'],
  ['CN=svc,O=LanOnasis', '/O=LanOnasis/CN=SVC'],
  ['CN=svc', '/O=LanOnasis/CN=svc'],
  ['CN=svc,O=LanOnasis', '/CN=svc'],
  ['O=svc,CN=LanOnasis', '/O=LanOnasis/CN=svc'],
  ['OU=a,CN=svc,O=LanOnasis', '/OU=a/O=LanOnasis/CN=svc'],
  ['CN=svc,O=LanOnasis', '/CN=svc,O=LanOnasis'],
  ['CN=a,O=b', '/O=x/CN=a\\\nO=b'],
  ['CN=svc+O=LanOnasis', '/O=LanOnasis/CN=svc'],
  ['', '/CN=svc'],
  ['CN=', '/CN=svc'],
  ['svc', '/CN=svc'],
  ['CN="svc"', '/CN=svc'],
  ['CN=#0403737663', '/CN=svc'],
])('%s is not the subject %s', (registered, subject) => {
  expect(isSameName(registered, subjectOf(subject))).toBe(false)
})

test('attributes of one RDN have no order', () => {
  expect(isSameName('CN=a+OU=b,O=x', 'O=x\nOU=b + CN=a')).toBe(true)
  expect(isSameName('CN=a,OU=b,O=x', 'O=x\nOU=b + CN=a')).toBe(false)
})
