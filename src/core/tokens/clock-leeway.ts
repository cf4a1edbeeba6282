/** How far the clock of another instance, or of a provider, may be from ours. */
export const clockLeewaySeconds = 60
export const clockLeewayMilliseconds = clockLeewaySeconds * 1000
