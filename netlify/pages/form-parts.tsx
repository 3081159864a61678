import type { PropsWithChildren } from 'hono/jsx'
import type { JSX } from 'hono/jsx/jsx-runtime'
import type { Field } from '../../shared/errors.ts'
import { copy, scopeSentence } from './copy.ts'
import { MAIN_FORM } from './language-switch.tsx'
import { Problem } from './layout.tsx'
import { Work, type WorkProps } from './work.tsx'

/** An error of a form, and the field that it belongs to. */
export type FormError = {
  text: string
  field: Field
  /** Seconds until a retry is allowed. */
  wait?: number
  /** Proof of work with which the browser can retry immediately. */
  work?: WorkProps
}

/** Shows an error that belongs to no field above the form. */
export function FormProblem({ error, fields = [] }: { error?: FormError; fields?: Field[] }) {
  if (!error || fields.includes(error.field)) return null
  if (error.work) return <Work {...error.work} wait={error.wait} />
  return <Problem id="problem" text={error.text} wait={error.wait} />
}

type FormProps = {
  /** Where the form is posted. */
  action: string
  /** The form token; absent from a form for another origin. */
  csrf?: string
  /** Hidden fields; those without a value are left out. */
  hidden?: Record<string, string | undefined>
  error?: FormError
  /** The fields that show their own error. */
  fields?: Field[]
  class?: string
  /** Whether it is the main form of its page, which the language switch posts. */
  main?: boolean
}

/** A form, below the error that belongs to none of its fields. */
export function Form({ action, csrf, hidden, error, fields, children, main, ...rest }: PropsWithChildren<FormProps>) {
  return (
    <>
      <FormProblem error={error} fields={fields} />
      <form id={main ? MAIN_FORM : undefined} method="post" action={action} class={rest.class}>
        {Object.entries({ ...hidden, csrf }).map(
          ([name, value]) => value !== undefined && <input type="hidden" name={name} value={value} />,
        )}
        {children}
      </form>
    </>
  )
}

type ButtonProps = {
  text: string
  kind?: 'plain' | 'primary' | 'small' | 'primary small'
  /** Names the object of the button for screen readers. */
  label?: string
}

const buttonClass = (kind: string) => (kind === 'plain' ? 'button' : `button ${kind}`)

/** A button that submits its form, with a value if the form has several. */
export function Submit({ text, kind = 'primary', label, ...rest }: ButtonProps & { name?: string; value?: string }) {
  return (
    <button class={buttonClass(kind)} type="submit" aria-label={label} {...rest}>
      {text}
    </button>
  )
}

/** A form that is one small button. */
export function ButtonForm({ text, label, ...form }: FormProps & Omit<ButtonProps, 'kind'>) {
  return (
    <Form {...form}>
      <Submit text={text} label={label} kind="small" />
    </Form>
  )
}

/** A link that looks like a button. */
export function ButtonLink({ href, text, kind = 'plain' }: Omit<ButtonProps, 'label'> & { href?: string }) {
  return (
    <a class={buttonClass(kind)} href={href}>
      {text}
    </a>
  )
}

type ButtonsProps = { submit: string; backHref: string; cancel?: string }

/** The submit button of a form, and the link back. */
export function Buttons({ submit, backHref, cancel = copy.cancel }: ButtonsProps) {
  return (
    <div class="actions">
      <Submit text={submit} />
      <ButtonLink href={backHref} text={cancel} />
    </div>
  )
}

/**
 * The attributes of a field for an e-mail address. Its type is text, for `type=email` would refuse in the browser what the server
 * can read: a full stop after the address, full-width letters, a pasted link.
 */
export const EMAIL_INPUT = {
  type: 'text',
  inputmode: 'email',
  autocapitalize: 'none',
  spellcheck: false,
  maxlength: 254,
} as const

type FieldProps = {
  label: string
  /** The error of the form; a field that it belongs to shows it and gets the focus. */
  error?: FormError
  /** Ids of what else describes the field. */
  describedBy?: string
  /** Whether this field gets the initial focus. */
  focus?: boolean
}

type TextFieldProps = FieldProps & JSX.IntrinsicElements['input'] & { name: string; hint?: string }

/** A field for text, with its label and error above it and its hint below. */
export function TextField({ label, error, describedBy, focus, hint, ...input }: TextFieldProps) {
  const { name, id = name } = input
  const problem = error?.field === name ? error.text : undefined
  const description = [problem && 'problem', hint && `${id}-hint`, describedBy].filter(Boolean).join(' ')
  return (
    <>
      <label for={id}>{label}</label>
      <Problem id="problem" text={problem} />
      <input
        id={id}
        type="text"
        autocomplete="off"
        aria-invalid={problem ? 'true' : undefined}
        {...input}
        autofocus={focus || problem !== undefined}
        aria-describedby={description || undefined}
      />
      {hint && (
        <p class="note" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </>
  )
}

type SelectProps = { label: string; name: string; hint?: string; options: Record<string, string>; chosen?: string }

/** Asks for one of several options in a list that opens. */
export function SelectField({ label, name, hint, options, chosen }: SelectProps) {
  return (
    <>
      <label for={name}>{label}</label>
      <select id={name} name={name} aria-describedby={hint && `${name}-hint`}>
        {Object.entries(options).map(([value, text]) => (
          <option value={value} selected={value === chosen} lang={value || undefined}>
            {text}
          </option>
        ))}
      </select>
      {hint && (
        <p class="note" id={`${name}-hint`}>
          {hint}
        </p>
      )}
    </>
  )
}

/** Asks for an e-mail address, as `email`. With `passkeys` the browser offers the passkeys of this site in it. */
export function EmailField({ focus = true, passkeys, ...props }: FieldProps & { value?: string; passkeys?: boolean }) {
  const autocomplete = passkeys ? 'email webauthn' : 'email'
  return <TextField {...EMAIL_INPUT} name="email" autocomplete={autocomplete} required focus={focus} {...props} />
}

/** Asks for a mobile number, as `phone`. */
export function PhoneField(props: FieldProps & { value?: string; hint?: string }) {
  return (
    <TextField name="phone" type="tel" autocomplete="tel" inputmode="tel" maxlength={40} required focus {...props} />
  )
}

/** Asks for a 6-digit one-time code, as `code`. The server validates it, since it accepts the digits of every script. */
export function CodeField(props: FieldProps) {
  const input = { class: 'code', autocomplete: 'one-time-code', inputmode: 'numeric', spellcheck: false } as const
  return <TextField name="code" required focus {...input} {...props} />
}

/** Asks for a code of letters and digits, as `code`, in any case and grouping. */
export function SecretCodeField(props: FieldProps) {
  const input = { class: 'mono', autocapitalize: 'characters', maxlength: 40, spellcheck: false } as const
  return <TextField name="code" required focus {...input} {...props} />
}

/** Asks an operator for the reason of an action, as `reason`. */
export function ReasonField({ id, label }: { id: string; label: string }) {
  return <TextField id={id} name="reason" label={label} minlength={3} maxlength={200} required />
}

type ChoiceProps = { type: 'checkbox' | 'radio'; name: string; value: string; checked?: boolean; label: string }

/** An option to choose. */
export function Choice({ type, name, value, checked, label }: ChoiceProps) {
  return (
    <label class="choice">
      <input type={type} name={name} value={value} checked={checked} />
      <span>{label}</span>
    </label>
  )
}

type ChoicesProps = { legend: string; name: string; options: Record<string, string>; chosen: string }

/** Asks for one of several options. */
export function Choices({ legend, name, options, chosen }: ChoicesProps) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {Object.entries(options).map(([value, label]) => (
        <Choice type="radio" name={name} value={value} checked={value === chosen} label={label} />
      ))}
    </fieldset>
  )
}

/** Offers permissions, as `scope`. */
export function ScopeChoices({ scopes, chosen }: { scopes: string[]; chosen: string[] }) {
  return scopes.map((scope) => (
    <Choice
      type="checkbox"
      name="scope"
      value={scope}
      checked={chosen.includes(scope)}
      label={scopeSentence(scope).sentence}
    />
  ))
}
