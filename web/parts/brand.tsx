/** The operator's logo and name. */
import { configuration } from '../configuration.ts'

export function Brand() {
  return (
    <p className="brand">
      {configuration.brandLogo === undefined ? (
        <svg className="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
          <rect x="0.5" y="0.5" width="31" height="31" rx="8" />
          <g>
            <circle cx="11.5" cy="16" r="4.2" />
            <path d="M15.7 16H25v4M20.6 16v3" />
          </g>
        </svg>
      ) : (
        <img className="brand-logo" src={configuration.brandLogo} alt="" />
      )}
      <span>{configuration.brandName}</span>
    </p>
  )
}
