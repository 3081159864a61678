import * as z from 'zod/mini'
import { once } from '../../once.ts'

const text = once(() => z.optional(z.string().check(z.maxLength(4000))))

/** What an authorization request may say (OAuth 2.1 section 4.1.1, OpenID Connect Core section 3.1.2.1); the rest is ignored. */
export const authorizationParameters = once(() =>
  z.object({
    response_type: text(),
    response_mode: text(),
    redirect_uri: text(),
    scope: text(),
    state: text(),
    nonce: text(),
    code_challenge: text(),
    code_challenge_method: text(),
    dpop_jkt: text(),
    prompt: text(),
    max_age: text(),
    acr_values: text(),
    claims: text(),
    id_token_hint: z.optional(z.string().check(z.maxLength(8000))),
    login_hint: text(),
    request: z.optional(z.string()),
    request_uri: text(),
    registration: text(),
    resource: z.optional(z.array(z.string().check(z.maxLength(2000))).check(z.maxLength(10))),
  }),
)
