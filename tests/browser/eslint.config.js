// For the page, this suite and the example.

import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import globals from 'globals';

export default defineConfig([
  js.configs.recommended,
  {
    files: ['functions/connect-ui/page/**'],
    languageOptions: { globals: globals.browser },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-properties': ['error', { property: 'innerHTML' }, { property: 'outerHTML' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['tests/browser/**', 'examples/**'],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
  { ignores: ['**/node_modules', '**/report'] },
]);
