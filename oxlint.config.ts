// The linter's rules. Which folder of src/ may import which is in scripts/layers.ts.
import type { OxlintConfig } from 'oxlint'

const config: OxlintConfig = {
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'node', 'promise', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error' },
  env: { builtin: true, node: true },
  ignorePatterns: [
    'dist/',
    'dist.*/',
    'data/',
    'coverage/',
    'artifacts/',
    'client/generated/',
    'test/vectors/',
  ],
  rules: {
    'import/no-cycle': ['error', { ignoreTypes: true }],
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/prefer-promise-reject-errors': 'error',
    // Inside try, a promise that is returned without await escapes the catch.
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/no-deprecated': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/consistent-type-imports': 'error',
    // `import { type A }` keeps the import of the file at run time.
    'typescript/no-import-type-side-effects': 'error',
    eqeqeq: ['error', 'always', { null: 'ignore' }],
    'no-var': 'error',
    'prefer-const': 'error',

    // The compiler says it (noImplicitReturns), or it is a matter of taste.
    'typescript/consistent-return': 'off',
    'typescript/no-extraneous-class': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'import/no-named-as-default': 'off',
    'import/no-named-as-default-member': 'off',
    'import/no-unassigned-import': 'off',
    'promise/always-return': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'no-underscore-dangle': 'off',
  },
  overrides: [
    {
      files: ['src/**'],
      rules: { 'no-console': 'error', 'node/no-process-env': 'error' },
    },
    {
      files: ['src/process/**', 'src/commands/**'],
      rules: { 'no-console': 'off', 'node/no-process-env': 'off' },
    },
    {
      files: ['test/**'],
      rules: { 'typescript/no-non-null-assertion': 'off', 'typescript/unbound-method': 'off' },
    },
  ],
}

export default config
