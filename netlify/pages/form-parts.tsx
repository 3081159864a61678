import type { JSX } from 'hono/jsx/jsx-runtime'
import type { Field } from '../../shared/errors.ts'
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

/** Returns the error of this field. */
export const errorAt = (error: FormError | undefined, field: Field) => (error?.field === field ? error.text : undefined)

/** Shows an error that belongs to no field above the form. */
export function FormProblem({ error, fields = [] }: { error?: FormError; fields?: Field[] }) {
  if (!error || fields.includes(error.field)) return null
  if (error.work) return <Work {...error.work} wait={error.wait} />
  return <Problem id="problem" text={error.text} wait={error.wait} />
}

type FieldProps = {
  label: string
  /** The error of the field, which then gets the focus. */
  error?: string
  /** Ids of what else describes the field. */
  describedBy?: string
  /** Whether this field gets the initial focus. Default: true. */
  focus?: boolean
}

const described = ({ error, describedBy }: FieldProps) => [error && 'problem', describedBy].filter(Boolean).join(' ')
const hasFocus = ({ error, focus = true }: FieldProps) => focus || error !== undefined

/** The submit button of a form, and the link back. */
export function Buttons({ submit, cancel, backHref }: { submit: string; cancel: string; backHref: string }) {
  return (
    <div class="actions">
      <button class="button primary" type="submit">
        {submit}
      </button>
      <a class="button" href={backHref}>
        {cancel}
      </a>
    </div>
  )
}

/**
 * The attributes of a field for an e-mail address, apart from its name. Its type is text, for `type=email` would refuse in the browser what the server
 * can read: a full stop after the address, full-width letters, a pasted link.
 */
export const EMAIL_INPUT = {
  type: 'text',
  inputmode: 'email',
  autocapitalize: 'none',
  spellcheck: false,
  maxlength: 254,
} as const

type InputAttributes = JSX.IntrinsicElements['input']

/** A field that must be filled in, with its label above and its error beside it. Its id is its name. */
function TextField({ name, input, ...props }: FieldProps & { name: string; input: InputAttributes }) {
  return (
    <>
      <label for={name}>{props.label}</label>
      <Problem id="problem" text={props.error} />
      <input
        id={name}
        name={name}
        {...input}
        required
        autofocus={hasFocus(props)}
        aria-invalid={props.error ? 'true' : undefined}
        aria-describedby={described(props) || undefined}
      />
    </>
  )
}

/** Asks for an e-mail address, as `email`. */
export function EmailField({ value, ...props }: FieldProps & { value?: string }) {
  return <TextField {...props} name="email" input={{ ...EMAIL_INPUT, autocomplete: 'email', value }} />
}

/** Asks for a mobile number, as `phone`. */
export function PhoneField({ value, ...props }: FieldProps & { value?: string }) {
  const input = { type: 'tel', autocomplete: 'tel', inputmode: 'tel', maxlength: 40, value } as const
  return <TextField {...props} name="phone" input={input} />
}

const CODE_INPUT = { type: 'text', spellcheck: false } as const

/** Asks for a 6-digit one-time code, as `code`. The server validates it, since it accepts the digits of every script. */
export function CodeField(props: FieldProps) {
  const input = { ...CODE_INPUT, class: 'code', autocomplete: 'one-time-code', inputmode: 'numeric' } as const
  return <TextField {...props} name="code" input={input} />
}

/** Asks for a code of letters and digits, as `code`, in any case and grouping. */
export function SecretCodeField(props: FieldProps) {
  const input = {
    ...CODE_INPUT,
    class: 'mono',
    autocomplete: 'off',
    autocapitalize: 'characters',
    maxlength: 40,
  } as const
  return <TextField {...props} name="code" input={input} />
}

type ChoiceProps = { type: 'checkbox' | 'radio'; name: string; value: string; checked?: boolean; label: string }

/** One of several to choose from. */
export function Choice({ type, name, value, checked, label }: ChoiceProps) {
  return (
    <label class="choice">
      <input type={type} name={name} value={value} checked={checked} />
      <span>{label}</span>
    </label>
  )
}
