import { expect, test } from 'vitest'
import { useGateway } from '../support/gateway.ts'
import { enrolTotp } from '../support/operators.ts'
import { openLimits } from '../support/rows.ts'
import { signIn } from '../support/sign-in.ts'

const gateway = useGateway({ env: { SECOND_FACTOR_POLICY: 'never' } })

test('an enrolled person is not asked', async () => {
  const ada = await signIn(gateway)
  await enrolTotp(ada)
  await openLimits(gateway)
  expect((await signIn(gateway, ada.email)).uai).toBe(ada.uai)
})
