import * as z from 'zod/mini'
import type { PersonPrincipal } from '../../shared/access/authenticate.ts'
import { newFormToken } from '../../shared/access/form-token.ts'
import { GatewayError } from '../../shared/errors.ts'
import type { AppContext } from '../../shared/http/app.ts'
import { once } from '../../shared/once.ts'
import { type FormOptions, form, type Tab } from './form.ts'

/** What forms of a person's account are about. */
export const aboutOf = ({ credentialId }: PersonPrincipal) => `${credentialId}.account`

/** Returns the hidden state of every form of a person's account. */
export const formOf = (c: AppContext, principal: PersonPrincipal, transaction?: string) => ({
  csrf: newFormToken(c.var.call, { about: aboutOf(principal), transaction }),
})

/** What a button sends that acts on one thing. */
export const idForm = once(() => z.object({ id: z.uuid('not_found') }))

type AccountForm<Schema extends z.ZodMiniObject, State> = Omit<FormOptions<Schema, State>, 'about'> &
  Required<Pick<FormOptions<Schema, State>, 'once'>>

/**
 * Rejects an expired button of a page that another function shows, with a link back to that page.
 * @throws GatewayError csrf_invalid
 */
export function expiredButton(home: string): never {
  throw new GatewayError('csrf_invalid', { next: { href: home, label: 'Open the page again' } })
}

/**
 * Handles a form of a person's account once: reloading the response repeats nothing.
 * @throws GatewayError as form
 */
export const accountForm = <Schema extends z.ZodMiniObject, State = Tab>(
  c: AppContext,
  principal: PersonPrincipal,
  options: AccountForm<Schema, State>,
): Promise<Response> => form(c, { ...options, about: aboutOf(principal) })

type AccountButton<Schema extends z.ZodMiniObject> = {
  /** The page with the button, which shows the result. */
  home: string
  schema: Schema
  render?: FormOptions<Schema, Tab>['render']
  /** Returns the name of the notice. */
  act: (input: z.output<Schema>) => Promise<string>
}

/** Handles a button of a page of the account once and shows the result on that page. */
export const accountButton = <Schema extends z.ZodMiniObject>(
  c: AppContext,
  principal: PersonPrincipal,
  { home, act, ...options }: AccountButton<Schema>,
): Promise<Response> =>
  accountForm(c, principal, {
    ...options,
    once: () => c.redirect(home, 303),
    act: async (input) => c.redirect(`${home}?done=${await act(input)}`, 303),
  })
