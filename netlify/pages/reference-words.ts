/** Every English sentence of the reference. */
export const words = {
  title: 'API reference',
  lead: 'Every route of the gateway, as programs read it in',
  required: 'required',
  parameters: 'In the URL',
  body: 'Body, as JSON or form',
  mirrors: 'Also at',
  credential: 'Credential',
  or: ' or ',
  credentials: {
    token: 'access token',
    apiKey: 'API key',
    session: 'session cookie',
    client: 'client',
    registrationToken: 'registration access token',
    signature: 'signature',
    none: 'none',
  } as Record<string, string>,
}
