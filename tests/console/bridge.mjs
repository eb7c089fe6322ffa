/* Drives Debian's Chromium for browser.py: one command a line on standard input, one answer a line on
 * standard output.  A command is a piece of Playwright with its arguments, {"run": "...", "args": {}}. */
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(process.env.CONSOLE_MODULES + '/');
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const AsyncFunction = (async () => {}).constructor;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
});
const state = { page: undefined, context: undefined };
const troubles = [];

async function open({ width = 1280, height = 900, locale = 'en-US', dark = false }) {
  await state.context?.close();
  state.context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale,
    timezoneId: 'Asia/Tokyo',
    colorScheme: dark ? 'dark' : 'light',
    viewport: { width, height },
    acceptDownloads: true,
  });
  state.page = await state.context.newPage();
  state.page.setDefaultTimeout(60000); // on a machine that has much to do
  state.page.on('pageerror', (error) => troubles.push(`error in the page: ${error.message}`));
  state.page.on('console', (message) => {
    if (message.type() === 'error') {
      troubles.push(`console: ${message.text()} ${message.location().url}`);
    }
  });
  state.page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['127.0.0.1', ''].includes(url.hostname)) {
      troubles.push(`a request to another host: ${request.url()}`);
    }
  });
}

/* Where a text stands: getByText() alone would take "not saved." for "Saved.". */
function seen(text) {
  const exactly = text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&').replace(/\s+/g, '\\s+');
  return state.page.getByText(new RegExp(exactly)).first();
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    const run = new AsyncFunction('page', 'context', 'args', 'open', 'troubles', 'axe', 'seen',
      command.run);
    answer = { value: await run(state.page, state.context, command.args ?? {}, open, troubles, axe,
      seen) };
  } catch (error) {
    answer = { error: String(error.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
