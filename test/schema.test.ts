import { expect, test } from 'vitest'
import { createTestDatabase } from './support/database.ts'
import { schemaOf } from './support/schema.ts'

// Other versions of PostgreSQL print some definitions in another form.
test.skipIf(process.env.POSTGRES_BIN)(
  'test/schema.sql is what the migrations make: `npm run schema` writes it',
  async () => {
    const database = await createTestDatabase()
    const schema = await schemaOf(database.ownerUrl).finally(() => database.drop())
    await expect(schema).toMatchFileSnapshot('schema.sql')
  },
)
