import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as saml from 'samlify'

saml.setSchemaValidator({ validate: async () => 'checked elsewhere' })

const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
const BINDINGS = saml.Constants.namespace.binding

export type SamlAccount = { id: string; email: string; name?: string }

/** An external SAML identity provider (samlify), with its own key. */
export function createSamlProvider(base: string, gatewayUrl: string, slug: string) {
  const folder = mkdtempSync(path.join(tmpdir(), 'saml-'))
  const files = ['-keyout', 'idp.key', '-out', 'idp.crt']
  const subject = ['-subj', '/CN=idp', '-days', '10', '-nodes', '-newkey', 'rsa:2048']
  execFileSync('openssl', ['req', '-x509', ...subject, ...files], { cwd: folder, stdio: 'pipe' })
  const [cert, key] = ['idp.crt', 'idp.key'].map((name) => readFileSync(path.join(folder, name), 'utf8'))
  if (!cert || !key) throw new Error('openssl made no certificate')
  const attribute = (name: string, valueTag: string) => ({
    name,
    valueTag,
    nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic',
    valueXsiType: 'xs:string',
  })
  const idp = saml.IdentityProvider({
    entityID: `${base}/metadata`,
    privateKey: key,
    signingCert: cert,
    isAssertionEncrypted: false,
    nameIDFormat: [PERSISTENT],
    singleSignOnService: [{ Binding: BINDINGS.redirect, Location: `${base}/sso` }],
    singleLogoutService: [{ Binding: BINDINGS.redirect, Location: `${base}/slo` }],
    wantLogoutRequestSigned: true,
    requestSignatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    loginResponseTemplate: {
      context: saml.SamlLib.defaultLoginResponseTemplate.context,
      attributes: [attribute('mail', 'user.email'), attribute('displayName', 'user.name')],
    },
  } as never)
  const at = `${gatewayUrl}/v1/auth/saml/${slug}`
  const sp = (entityID = `${at}/metadata`) =>
    saml.ServiceProvider({
      entityID,
      wantAssertionsSigned: true,
      wantLogoutRequestSigned: true,
      assertionConsumerService: [{ Binding: BINDINGS.post, Location: `${at}/acs` }],
      singleLogoutService: [{ Binding: BINDINGS.redirect, Location: `${at}/slo` }],
    } as never)

  return {
    cert,
    key,
    idp,
    names: { acs: `${at}/acs`, entityId: `${at}/metadata`, issuer: `${base}/metadata` },
    settings: {
      entry_point: `${base}/sso`,
      idp_issuer: `${base}/metadata`,
      certificates: [cert],
      logout_url: `${base}/slo`,
    },
    /** The base64 of a response to a request, as the provider signs it. */
    async answer(
      requestId: string,
      account: SamlAccount,
      changes: { audience?: string; issuedAt?: Date; format?: string; recipient?: string; unsolicited?: boolean } = {},
    ): Promise<string> {
      const now = changes.issuedAt ?? new Date()
      const until = new Date(now.getTime() + 300_000).toISOString()
      const audience = changes.audience ?? `${at}/metadata`
      const { context } = await idp.createLoginResponse(
        sp(audience),
        { extract: { request: { id: requestId } } } as never,
        'post',
        account as never,
        (template: string) => {
          const id = `_${crypto.randomUUID()}`
          const signedIn = `<saml:AuthnStatement AuthnInstant="${now.toISOString()}"/>`
          // An assertion that a provider makes unasked names no request.
          const asked = changes.unsolicited ? template.replace(' InResponseTo="{InResponseTo}"/>', '/>') : template
          const whole = asked.replace('{AuthnStatement}', signedIn)
          const values = {
            ID: id,
            AssertionID: `_${crypto.randomUUID()}`,
            Destination: `${at}/acs`,
            Audience: audience,
            EntityID: audience,
            SubjectRecipient: changes.recipient ?? `${at}/acs`,
            Issuer: `${base}/metadata`,
            IssueInstant: now.toISOString(),
            AssertionConsumerServiceURL: `${at}/acs`,
            StatusCode: saml.Constants.StatusCode.Success,
            ConditionsNotBefore: now.toISOString(),
            ConditionsNotOnOrAfter: until,
            SubjectConfirmationDataNotOnOrAfter: until,
            NameIDFormat: changes.format ?? PERSISTENT,
            NameID: account.id,
            InResponseTo: requestId,
            attrUserEmail: account.email,
            attrUserName: account.name ?? 'Ada',
          }
          return { id, context: saml.SamlLib.replaceTagsByValue(whole, values) }
        },
      )
      return context
    },
    /** The address of a signed request to sign a user out. */
    logoutUrl(account: SamlAccount): string {
      const { context } = idp.createLogoutRequest(sp(), 'redirect', { logoutNameID: account.id } as never) as {
        context: string
      }
      return context
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
