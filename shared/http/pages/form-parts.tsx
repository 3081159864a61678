type FieldProps = {
  label: string
  error?: string
  /** Ids of what describes the field besides the problem. */
  describedBy?: string
}

const described = ({ error, describedBy }: FieldProps) => [error && 'problem', describedBy].filter(Boolean).join(' ')

/** The button that sends a form, and the way back. */
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
 * What a field for an e-mail address has besides its name. Its type is text, for `type=email` would refuse in the browser what the server
 * can read: a full stop after the address, full-width letters, a pasted link.
 */
export const EMAIL_INPUT = {
  type: 'text',
  inputmode: 'email',
  autocapitalize: 'none',
  spellcheck: false,
  maxlength: 254,
} as const

/** Asks for an e-mail address, as `email`. */
export function EmailField(props: FieldProps & { value?: string }) {
  return (
    <>
      <label for="email">{props.label}</label>
      <input
        id="email"
        name="email"
        {...EMAIL_INPUT}
        autocomplete="email"
        required
        autofocus
        value={props.value}
        aria-invalid={props.error ? 'true' : undefined}
        aria-describedby={described(props) || undefined}
      />
    </>
  )
}

/** Asks for a mobile number, as `phone`. */
export function PhoneField(props: FieldProps & { value?: string }) {
  return (
    <>
      <label for="phone">{props.label}</label>
      <input
        id="phone"
        name="phone"
        type="tel"
        autocomplete="tel"
        inputmode="tel"
        maxlength={40}
        required
        autofocus
        value={props.value}
        aria-invalid={props.error ? 'true' : undefined}
        aria-describedby={described(props) || undefined}
      />
    </>
  )
}

/** Asks for a 6-digit one-time code, as `code`. What it may look like is for the server to say: it reads the digits of every script. */
export function CodeField(props: FieldProps) {
  return (
    <>
      <label for="code">{props.label}</label>
      <input
        class="code"
        id="code"
        name="code"
        type="text"
        autocomplete="one-time-code"
        inputmode="numeric"
        spellcheck={false}
        required
        autofocus
        aria-invalid={props.error ? 'true' : undefined}
        aria-describedby={described(props) || undefined}
      />
    </>
  )
}

/** Asks for a code of letters and digits, as `code`, in whatever case and grouping. */
export function SecretCodeField({ focus = true, ...props }: FieldProps & { focus?: boolean }) {
  return (
    <>
      <label for="code">{props.label}</label>
      <input
        class="mono"
        id="code"
        name="code"
        type="text"
        autocomplete="off"
        autocapitalize="characters"
        maxlength={40}
        spellcheck={false}
        required
        autofocus={focus}
        aria-invalid={props.error ? 'true' : undefined}
        aria-describedby={described(props) || undefined}
      />
    </>
  )
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
