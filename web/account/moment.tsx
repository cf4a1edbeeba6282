/** A moment, in the reader's time zone. */

const format = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' })
const formatDay = new Intl.DateTimeFormat('en', { dateStyle: 'medium' })

export function Moment({ at, day = false }: { at: string; day?: boolean }) {
  return <time dateTime={at}>{(day ? formatDay : format).format(new Date(at))}</time>
}
