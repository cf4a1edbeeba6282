/**
 * For whatever starts npm to install something: a request that the registry leaves without a response is
 * sent again after seconds. By npm's own settings it would be after five minutes.
 */
export const npmSettings = {
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_prefer_offline: 'true',
  npm_config_fetch_timeout: '20000',
  npm_config_fetch_retries: '5',
  npm_config_fetch_retry_mintimeout: '1000',
  npm_config_fetch_retry_maxtimeout: '5000',
}
