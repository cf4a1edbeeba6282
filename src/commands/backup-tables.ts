/**
 * What no backup brings back: a session that was ended after the backup was made must not live again,
 * nor must a sign-in that was under way (docs/adr/0029).
 */
export const tablesLeftOut = ['sessions', 'provider_flows'] as const
