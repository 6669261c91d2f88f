import { defineConfig } from '@playwright/test';

// Debian's Chromium. Screenshots go to `report/`.
export default defineConfig({
  testDir: '.',
  outputDir: 'report/results',
  fullyParallel: true,
  workers: Number(process.env.WORKERS ?? 2),
  timeout: 30_000,
  expect: { timeout: 7_000 },
  forbidOnly: true,
  reporter: [['list'], ['html', { outputFolder: 'report/html', open: 'never' }]],
  use: {
    browserName: 'chromium',
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
    viewport: { width: 1000, height: 760 },
    screenshot: 'only-on-failure',
  },
});
