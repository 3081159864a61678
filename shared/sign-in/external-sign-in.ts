import { ACR } from '../domain/authentication.ts'
import type { Gateway } from '../gateway.ts'
import { findAccount, type ProviderAccount, settleAccount } from '../people/external-account.ts'
import type { UpstreamFacts } from '../people/profile.ts'
import { nameOfMethod } from '../people/sign-in-methods.ts'
import type { ConnectionRow } from '../queries/connections.ts'
import type { SignInMethod } from './complete.ts'

/** Returns what is stored of the provider's session: the ID token only if signing out here also signs out there. */
const upstreamOf = ({ settings }: ConnectionRow, { idToken, ...facts }: UpstreamFacts): UpstreamFacts =>
  settings.logout ? { ...facts, idToken } : facts

/** Returns what hooks receive, with the person if known. */
const factsOf = ({ connection, profile, method }: ProviderAccount) => {
  const { externalId: subject, email, emailVerified: email_verified, name, locale } = profile
  const proofs = [`${method}:${connection.slug}`]
  return { method, connection: connection.slug, proofs, profile: { subject, email, email_verified, name, locale } }
}

/**
 * Returns the sign-in by an account at another provider, which creates the identity at the first sign-in.
 * @throws GatewayError on completion, as settleAccount
 */
export function accountMethod(gateway: Gateway, input: ProviderAccount): SignInMethod {
  const { connection, profile, method } = input
  const { slug } = connection
  return {
    connection: slug,
    async verify(clientId) {
      const found = await findAccount(gateway, { ...input, clientId })
      const { client, resources } = found
      return {
        facts: { ...factsOf(input), person: found.person },
        async settle(work, claims, now) {
          const { person, isNew, isLinked } = await settleAccount(gateway, work, { ...input, now }, found, claims)
          return {
            person,
            isNew,
            authentication: {
              method,
              amr: [...new Set([...(profile.amr ?? []), 'fed'])],
              acr: ACR.federated,
              provenBy: { type: 'connection', id: connection.id },
            },
            client,
            resources,
            notAfter: profile.notAfter ? new Date(profile.notAfter) : undefined,
            upstream: profile.upstream && { slug, facts: upstreamOf(connection, profile.upstream) },
            notice: isLinked ? { kind: 'sign_in_method_added', what: nameOfMethod({ provider: slug }) } : undefined,
          }
        },
      }
    },
  }
}
