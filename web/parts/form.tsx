/** A form that is sent by a function, says what is wrong, and leads there. */
import {
  createContext,
  use,
  useId,
  useRef,
  useState,
  type InputHTMLAttributes,
  type ReactNode,
} from 'react'
import { describeProblem, type Problem, type Wording } from '../problem.ts'
import { useProviderNames } from '../providers.tsx'
import { ProblemNotice } from './notice.tsx'

const FormProblem = createContext<Problem | undefined>(undefined)

interface ActionFormProps {
  readonly label: string
  readonly busyLabel: string
  readonly wording?: Wording
  /** Called with what was entered; what it throws is shown. */
  readonly action: (values: Readonly<Record<string, string>>) => Promise<void>
  readonly children: ReactNode
}

/**
 * A real form with a real submit, as password managers want it. What was entered stays in the fields
 * after a failure.
 */
export function ActionForm({ label, busyLabel, wording, action, children }: ActionFormProps) {
  const names = useProviderNames()
  const form = useRef<HTMLFormElement>(null)
  const [isBusy, setIsBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()

  const show = (found: Problem) => {
    setProblem(found)
    // The notice takes the focus itself.
    if (found.field !== undefined) inputOf(form.current, found.field)?.focus()
  }
  const submit = async () => {
    if (isBusy || !form.current) return
    const wrong = findWrong(form.current)
    if (wrong) return show(wrong)
    setIsBusy(true)
    setProblem(undefined)
    try {
      await action(readValues(form.current))
    } catch (error) {
      show(describeProblem(error, names, wording))
    } finally {
      setIsBusy(false)
    }
  }
  const onSubmit = (event: { preventDefault(): void }) => {
    event.preventDefault()
    void submit()
  }
  const isAtField = problem?.field !== undefined && inputOf(form.current, problem.field) !== null
  return (
    <form ref={form} noValidate onSubmit={onSubmit} aria-busy={isBusy}>
      {problem && !isAtField && <ProblemNotice problem={problem} retry={() => void submit()} />}
      <FormProblem value={problem}>{children}</FormProblem>
      <button type="submit" className="button button-main" aria-disabled={isBusy}>
        {isBusy ? busyLabel : label}
      </button>
    </form>
  )
}

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly name: string
  readonly label: string
  readonly hint?: string
  /** Next to the field, at its end. */
  readonly end?: ReactNode
}

export function Field({ label, hint, end, ...input }: FieldProps) {
  const id = useId()
  const problem = use(FormProblem)
  const error = problem?.field === input.name ? problem.text : undefined
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ')
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {input.required !== true && input.readOnly !== true && <span> (optional)</span>}
      </label>
      <div className="field-input">
        <input
          {...input}
          id={id}
          aria-invalid={error !== undefined}
          aria-describedby={described === '' ? undefined : described}
        />
        {end}
      </div>
      {error !== undefined && (
        <p id={`${id}-error`} className="field-error" role="alert">
          {error}
        </p>
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="field-hint">
          {hint}
        </p>
      )}
    </div>
  )
}

export function EmailField() {
  return (
    <Field
      name="email"
      label="E-mail address"
      data-what="your e-mail address"
      type="email"
      autoComplete="username"
      autoCapitalize="none"
      spellCheck={false}
      required
    />
  )
}

interface PasswordFieldProps {
  readonly name: string
  readonly label: string
  readonly hint?: string
  readonly autoComplete: 'current-password' | 'new-password'
}

export function PasswordField(props: PasswordFieldProps) {
  const [isShown, setIsShown] = useState(false)
  return (
    <Field
      {...props}
      data-what={`the ${props.label.toLowerCase()}`}
      type={isShown ? 'text' : 'password'}
      autoCapitalize="none"
      spellCheck={false}
      required
      end={
        <button
          type="button"
          className="field-button"
          aria-label={`${isShown ? 'Hide' : 'Show'} ${props.label.toLowerCase()}`}
          onClick={() => setIsShown(!isShown)}
        >
          {isShown ? 'Hide' : 'Show'}
        </button>
      }
    />
  )
}

function readValues(form: HTMLFormElement): Record<string, string> {
  return Object.fromEntries(
    Array.from(new FormData(form)).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : '',
    ]),
  )
}

/** What need not be asked of the server. It decides all the same. */
function findWrong(form: HTMLFormElement): Problem | undefined {
  for (const { autocomplete, dataset, name, required, value } of form.querySelectorAll('input')) {
    if (required && value === '')
      return { text: `Enter ${dataset['what'] ?? 'this'}.`, field: name }
    const text = autocomplete === 'new-password' ? passwordFault(value) : undefined
    if (text !== undefined) return { text, field: name }
  }
  return undefined
}

/** The server's rule: at least 8 code points, at most 72 bytes. */
function passwordFault(password: string): string | undefined {
  const normalized = password.normalize('NFC')
  if (Array.from(normalized).length < 8) return 'This is too short: use at least 8 characters.'
  if (new TextEncoder().encode(normalized).length > 72)
    return 'This is too long: use at most 72 characters, or fewer if they are not plain English letters and digits.'
  return undefined
}

function inputOf(form: HTMLFormElement | null, name: string): HTMLInputElement | null {
  const element = form?.elements.namedItem(name)
  return element instanceof HTMLInputElement ? element : null
}
