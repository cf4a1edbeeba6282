/** A part of the account under a heading that the navigation leads to. */
import type { ReactNode, Ref } from 'react'

interface SectionFrameProps {
  readonly id: string
  readonly title: string
  readonly lead?: ReactNode
  /** To put the focus there when what had it is gone. */
  readonly heading?: Ref<HTMLHeadingElement>
  readonly children: ReactNode
}

export function Section({ id, title, lead, heading, children }: SectionFrameProps) {
  return (
    <section id={id} className="card section" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`} ref={heading} tabIndex={-1}>
        {title}
      </h2>
      {lead !== undefined && <p className="lead">{lead}</p>}
      {children}
    </section>
  )
}
