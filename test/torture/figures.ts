/** Figures of a report. */
import { readFileSync } from 'node:fs'

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** What so large a part of the numbers does not exceed, to one decimal place; 0 if there are none. */
export function quantile(numbers: readonly number[], fraction: number): number {
  const sorted = numbers.toSorted((one, other) => one - other)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0
  return Math.round(value * 10) / 10
}

/** The median, the 99th percentile and the highest, as text. */
export function percentiles(numbers: readonly number[]): string {
  const at = (fraction: number) => quantile(numbers, fraction)
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, highest ${at(1)}`
}

/** The memory that a process has at this moment, as the kernel counts it. */
export function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]
  return Number(kibibytes) * 1024
}
