import { type Config, passkeysAreOn, relyingPartyId } from '../../config.ts'
import { GatewayError } from '../../errors.ts'

/** The party that passkeys are for, and the origins of the pages and apps that may use them (WebAuthn Level 3 section 5.11). */
type RelyingParty = { id: string; name: string; origins: string[] }

/** Returns the relying party; undefined if the issuer is an IP address, which browsers do not accept as one. */
export function relyingPartyOf(config: Config): RelyingParty | undefined {
  if (!passkeysAreOn(config)) return undefined
  return {
    id: relyingPartyId(config),
    name: config.BRAND_NAME,
    origins: [new URL(config.AUTH_BASE_URL).origin, ...config.WEBAUTHN_ORIGINS],
  }
}

/** @throws GatewayError passkeys_off */
export function requireRelyingParty(config: Config): RelyingParty {
  const party = relyingPartyOf(config)
  if (!party) throw new GatewayError('passkeys_off')
  return party
}
