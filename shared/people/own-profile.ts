import type { PersonPrincipal } from '../access/authenticate.ts'
import { commitAs } from '../access/authority.ts'
import type { Call } from '../call.ts'
import { changeIdentity, identity } from '../domain/identity.ts'
import { aboutPerson } from '../events/commit.ts'

/**
 * Changes the name and the language of a person, as they set them. What is unchanged is not recorded.
 * @param profile.name an empty one removes the name
 * @param profile.locale BCP 47
 */
export async function changeOwnProfile(
  call: Call,
  principal: PersonPrincipal,
  { name, locale }: { name: string; locale?: string },
): Promise<void> {
  const { person } = principal
  const changes = {
    ...(name !== (person.name ?? '') && { name }),
    ...(locale && locale !== person.locale && { locale }),
  }
  if (Object.keys(changes).length === 0) return
  await commitAs(call, principal, async (work) => {
    const stream = await work.load(identity, person.uai, aboutPerson(person))
    stream.decide((state) => changeIdentity(state, changes))
  })
}
