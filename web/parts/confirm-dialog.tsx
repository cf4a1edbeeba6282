/** Asks before something that cannot be taken back at once. The browser keeps the focus inside. */
import { useId, useLayoutEffect, useRef, type ReactNode } from 'react'
import { ProblemNotice } from './notice.tsx'
import { useAction } from './use-action.ts'

interface ConfirmDialogProps {
  readonly title: string
  readonly confirm: string
  /** What it throws is shown here, and may be tried again. */
  readonly onConfirm: () => Promise<void>
  readonly onCancel: () => void
  readonly children: ReactNode
}

/** Open as long as it is rendered. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, confirm, onConfirm, onCancel, children } = props
  // Its own: a problem with another question is not shown here.
  const action = useAction()
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  // Before it is taken out of the page: only then does closing it give the focus back.
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
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
          onClick={() => action.run(onConfirm)}
        >
          {confirm}
        </button>
      </div>
    </dialog>
  )
}
