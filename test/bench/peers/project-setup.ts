import { randomBytes } from 'node:crypto'
import { createGatewayDatabase } from '../../../scripts/lib/gateway-database.ts'
import { migrate } from '../../../scripts/lib/migrate.ts'
import { startDeliveryStub } from '../delivery-stub.ts'
import { createKeys } from '../keys.ts'
import { ADDRESS_HEADER, signInPeople } from '../people.ts'
import { root } from '../process.ts'
import { registerService, SERVICE } from '../services.ts'
import type { ProjectContext } from './adapters/project.ts'
import { reservePort } from './reserve-port.ts'

const DATABASE = 'bench_project'
const PEOPLE = 200
/** What one returning person may request while they are measured; all other limits are the defaults. */
const LIMITS = 'otp-send=100/1h,otp-send-pause=1000/30s,otp-send-repeat=1000/30s'

export type ProjectSetup = {
  database: string
  role: string
  environment: Record<string, string>
  /** Signs people in at the running server and creates a key for each. */
  createContext(): Promise<ProjectContext>
}

/** Creates the database of the project and the settings of its server. */
export async function prepareProject(serverUrl: string, url: string): Promise<ProjectSetup> {
  const { ownerUrl, appUrl } = await createGatewayDatabase(serverUrl, DATABASE)
  await migrate({ url: ownerUrl, directory: `${root}supabase/migrations`, applicationUrl: appUrl })
  await registerService({ appUrl })
  const deliveryPort = await reservePort()
  return {
    database: DATABASE,
    role: new URL(appUrl).username,
    environment: {
      NODE_ENV: 'test',
      AUTH_BASE_URL: url,
      DATABASE_URL: appUrl,
      SUPABASE_FUNCTIONS_URL: `http://127.0.0.1:${deliveryPort}/functions/v1`,
      AUTH_MASTER_SECRET: randomBytes(32).toString('base64'),
      CLIENT_IP_HEADER: ADDRESS_HEADER,
      LIMITS,
    },
    async createContext() {
      const delivery = await startDeliveryStub(deliveryPort)
      const people = await signInPeople(url, delivery, PEOPLE)
      const returning = await signInPeople(url, delivery, PEOPLE)
      const keys = await createKeys(url, people, {})
      await delivery.stop()
      return {
        ...SERVICE,
        deliveryPort,
        people: people.map(({ email, cookie }, index) => ({ email, cookie, key: keys[index] ?? '' })),
        returning: returning.map(({ email }) => email),
      }
    },
  }
}
