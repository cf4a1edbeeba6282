import { join } from 'node:path'
import { isLoopback } from '../../config/addresses.ts'
import type { Feature } from '../../feature.ts'
import { readAccountPage } from './account-page-files.ts'
import { accountPage, accountPagePaths } from './account-page.ts'

/** The web page on which users sign in and manage their account. */
export const accountPageFeature: Feature = {
  name: 'account-page',
  start({ config, log, root }) {
    if (!config.accountPage) return {}
    const files = readAccountPage(join(root, 'dist', 'web'), config)
    if (!files) {
      log.warn('Account page not found; run `npm run build`')
      return {}
    }
    const { publicUrl } = config
    return {
      routes: {
        paths: accountPagePaths,
        register: (app) => accountPage(app, { files, publicUrl, isLoopback }),
      },
    }
  },
}
