import { X509Certificate } from 'node:crypto'
import type { Gateway } from '../../../shared/gateway.ts'
import { type ConnectionRow, listConnections } from '../../../shared/queries/connections.ts'
import { type Checked, look, ok, warning } from './check.ts'

const SOON_MILLISECONDS = 30 * 86_400_000

/** Returns when the last certificate of a SAML provider expires. */
export function lastCertificateEnd(certificates: string[]): Date {
  const ends = certificates.map((one) => {
    const bare = one.replace(/-----[A-Z ]+-----|\s/g, '')
    return new Date(new X509Certificate(Buffer.from(bare, 'base64')).validTo).getTime()
  })
  return new Date(Math.max(...ends))
}

function problemsOf({ slug, settings: { saml } }: ConnectionRow): string[] {
  if (!saml) return []
  return [
    ...(saml.allow_sha1 ? [`${slug} accepts SHA-1 signatures`] : []),
    ...certificateProblems(slug, saml.certificates),
  ]
}

function certificateProblems(slug: string, certificates: string[]): string[] {
  try {
    const ends = lastCertificateEnd(certificates)
    const late = ends.getTime() < Date.now() + SOON_MILLISECONDS
    return late ? [`${slug} has no certificate after ${ends.toISOString().slice(0, 10)}`] : []
  } catch {
    return [`${slug} has a certificate that cannot be read`]
  }
}

/** Checks the settings of other identity providers; check-oauth-providers checks whether they answer. */
export const checkProviders = ({ reads }: Gateway): Promise<Checked> =>
  look('identity providers', 'npm run connections -- show', async () => {
    const enabled = (await listConnections(reads)).filter(({ status }) => status === 'enabled')
    const problems = enabled.flatMap(problemsOf)
    if (problems.length === 0) return ok(`${enabled.length} connections`)
    const fix =
      'Let the provider sign with SHA-256, then npm run connections -- change <slug> --sha1 refuse; or give its new --certificate'
    return warning(problems.join('; '), fix)
  })
