/** Says what has happened: an error is read out at once, all else when there is time. */
import { useEffect, useRef, useState } from 'react'
import type { Problem } from '../problem.ts'

export interface Message {
  readonly kind: 'good' | 'info' | 'problem'
  readonly text: string
}

/** As long as readers need to know a live region before something is put into it. */
const settlingMilliseconds = 100

/**
 * Room for a message, to be rendered while there is none yet: text that comes together with its live
 * region is not read out.
 */
export function Notice({ message }: { message: Message | undefined }) {
  const [isSettled, setIsSettled] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setIsSettled(true), settlingMilliseconds)
    return () => clearTimeout(timer)
  }, [])
  const isProblem = message?.kind === 'problem'
  return (
    <>
      <div className="notice-room" role="status">
        {message && !isProblem && isSettled && (
          <p className={`notice notice-${message.kind}`}>{message.text}</p>
        )}
      </div>
      {isProblem && (
        // An alert is read out as it comes.
        <p className="notice notice-problem" role="alert">
          {message.text}
        </p>
      )}
    </>
  )
}

interface ProblemNoticeProps {
  readonly problem: Problem
  readonly retry?: (() => void) | undefined
  /** No one has asked for what failed, so the focus stays where it is. */
  readonly isBackground?: boolean
}

/** A problem, focused as it appears; with a countdown or another attempt if that helps. */
export function ProblemNotice({ problem, retry, isBackground = false }: ProblemNoticeProps) {
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!isBackground) element.current?.focus()
  }, [problem, isBackground])
  return (
    <div ref={element} tabIndex={-1} role="alert" className="notice notice-problem">
      <p>{problem.text}</p>
      {problem.retryAfter !== undefined && (
        <Countdown key={problem.retryAfter} seconds={problem.retryAfter} />
      )}
      {problem.canRetry === true && retry && (
        <button type="button" className="button button-quiet" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** Every second to be seen; to be heard only at the beginning and at the end. */
function Countdown({ seconds }: { seconds: number }) {
  const left = useSecondsLeft(seconds)
  return (
    <>
      <p aria-hidden="true" className="countdown">
        {left > 0 ? `You can try again in ${describeSeconds(left)}.` : 'You can try again now.'}
      </p>
      <p className="only-heard">
        {left > 0 ? `You can try again in ${describeSeconds(seconds)}.` : 'You can try again now.'}
      </p>
    </>
  )
}

/** Counts down to 0 by the clock, also if the browser slows timers down. */
function useSecondsLeft(seconds: number): number {
  const [left, setLeft] = useState(seconds)
  useEffect(() => {
    const end = performance.now() + seconds * 1000
    const timer = setInterval(() => {
      const now = Math.max(0, Math.ceil((end - performance.now()) / 1000))
      setLeft(now)
      if (now === 0) clearInterval(timer)
    }, 250)
    return () => clearInterval(timer)
  }, [seconds])
  return left
}

function describeSeconds(seconds: number): string {
  if (seconds < 60) return seconds === 1 ? '1 second' : `${seconds} seconds`
  const minutes = Math.floor(seconds / 60)
  const rest = seconds % 60
  return `${minutes} min${rest === 0 ? '' : ` ${rest} s`}`
}
