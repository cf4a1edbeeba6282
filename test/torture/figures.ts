/** Figures of a report. */

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** The median, the 99th percentile and the highest, as text. */
export function percentiles(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((one, other) => one - other)
  const at = (fraction: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0)
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, highest ${at(1)}`
}
