import type { Call } from '../call.ts'
import { identity, unlinkCredential } from '../domain/identity.ts'
import { GatewayError } from '../errors.ts'
import type { Work } from '../events/commit.ts'
import { commit } from '../events/commit.ts'
import { listCredentials } from '../queries/credentials.ts'
import type { Person } from '../queries/person.ts'
import { SUPABASE, SUPABASE_SLUG } from '../sso/supabase-project.ts'
import { notifyFactorChange } from './factor-notices.ts'

/** The name of a sign-in method in messages. */
export const nameOfMethod = ({ provider, address }: { provider?: string; address?: string }) =>
  provider === SUPABASE_SLUG ? SUPABASE.settings.name : (provider ?? address)

/**
 * Removes a sign-in method of a person, except the last one.
 * @throws GatewayError not_found, also for another person's; last_credential
 */
export async function removeSignInMethod(
  call: Call,
  input: { person: Person; credentialId: string; reason: string; act: (work: Work) => void },
): Promise<void> {
  const { person, credentialId, reason, act } = input
  await commit(call, async (work) => {
    act(work)
    const streams = await Promise.all(person.members.map((uai) => work.load(identity, uai, { subject: uai })))
    const theirs = streams.filter(({ id, state }) => id === person.uai || state.mergedInto !== undefined)
    const all = await listCredentials(call.gateway.reads, call.gateway.personal, {
      members: theirs.map(({ id }) => id),
    })
    const found = all.find((one) => one.id === credentialId)
    const stream = theirs.find(({ id }) => id === found?.uai)
    if (!found || !stream) throw new GatewayError('not_found')
    // The remaining methods may belong to a merged identity: no concurrent change may remove them.
    for (const one of theirs) one.hold()
    // One sign-in method must remain; a person without any keeps one identifying credential.
    const left = all.filter((one) => (one.usable || !found.usable) && one.id !== credentialId).length
    stream.decide((state) => unlinkCredential(state, { credentialId, left, reason }))
    if (found.usable)
      notifyFactorChange(call, work, { person, kind: 'sign_in_method_removed', what: nameOfMethod(found) })
  })
}
