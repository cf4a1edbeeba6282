/** Asks before something that cannot be taken back at once. The browser keeps the focus inside. */
import { useEffect, useId, useRef, type ReactNode } from 'react'
import type { Action } from './use-action.ts'
import { ProblemNotice } from './notice.tsx'

interface ConfirmDialogProps {
  readonly title: string
  readonly confirm: string
  readonly action: Action
  readonly onConfirm: () => void
  readonly onCancel: () => void
  readonly children: ReactNode
}

/** Open as long as it is rendered. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, confirm, action, onConfirm, onCancel, children } = props
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const element = dialog.current
    element?.showModal()
    // Closing it gives the focus back to the button that has opened it.
    return () => element?.close()
  }, [])
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={id} onCancel={onCancel}>
      <h2 id={id}>{title}</h2>
      {children}
      {action.problem && <ProblemNotice problem={action.problem} retry={action.retry} />}
      <div className="dialog-buttons">
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
        <button
          type="button"
          className="button button-danger"
          aria-disabled={action.isBusy}
          onClick={onConfirm}
        >
          {confirm}
        </button>
      </div>
    </dialog>
  )
}
