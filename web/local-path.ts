/**
 * Where to continue after a sign-in: a path of this page, whatever stood in the way it came.
 * @returns the path with query and fragment, `/` for anything that leads elsewhere
 */
export function localPath(target: string | undefined): string {
  // A browser takes \ for / and drops tabs and line breaks, so //evil.test has many spellings.
  if (target === undefined || !/^\/(?![/\\])[\w\-./?#=&%+~]*$/.test(target)) return '/'
  const base = 'https://page.invalid'
  if (!URL.canParse(target, base)) return '/'
  const url = new URL(target, base)
  return url.origin === base && !url.pathname.startsWith('//')
    ? url.pathname + url.search + url.hash
    : '/'
}
