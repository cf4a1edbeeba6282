/** What every view has: a heading that is focused when the view comes, and the title of the page. */
import { useEffect, useRef, type ReactNode } from 'react'
import { configuration } from '../configuration.ts'
import { Brand } from './brand.tsx'

// The first view leaves the focus if the browser has put it.
let isFirst = true

/** Focuses the heading when the view takes the place of another one, so that it is read out. */
export function useViewHeading(title: string) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · ${configuration.brandName}`
    if (!isFirst) heading.current?.focus()
    isFirst = false
  }, [title])
  return heading
}

/** A view in a single card: signing in, and all that comes before one is. */
export function CardView({ title, children }: { title: string; children: ReactNode }) {
  const heading = useViewHeading(title)
  return (
    <main className="entrance">
      <div className="entrance-brand">
        <Brand />
      </div>
      <div className="card">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children}
      </div>
    </main>
  )
}
