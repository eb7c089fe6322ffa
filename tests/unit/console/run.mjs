/* Unit tests of console/src/lib and of the console's words, by node's own runner:
 *
 *   node run.mjs CONSOLE_FOLDER OPENAPI [NAME.test.ts ...]
 *
 * Each file is bundled by itself (esbuild, which vite brings; runes by svelte's compiler), so that it
 * has modules of its own and a world of its own (world.ts) around them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const [folder, openapi, ...chosen] = process.argv.slice(2);
const console_ = resolve(folder);
const require = createRequire(join(console_, 'package.json'));
const esbuild = require('esbuild');
const { compileModule } = require('svelte/compiler');

const runes = {
  name: 'runes',
  setup(build) {
    build.onLoad({ filter: /\.svelte\.ts$/ }, ({ path }) => {
      const plain = esbuild.transformSync(readFileSync(path, 'utf8'), { loader: 'ts', target: 'es2022' });
      return { contents: compileModule(plain.code, { filename: path, generate: 'client' }).js.code, loader: 'js' };
    });
    build.onResolve({ filter: /^console\// }, ({ path, resolveDir }) =>
      build.resolve(`./src/${path.slice('console/'.length)}`, { resolveDir: console_, kind: 'import-statement' }),
    );
  },
};

const out = mkdtempSync(join(tmpdir(), 'cordon-console-'));
try {
  const files = readdirSync(here).filter((name) => name.endsWith('.test.ts') && (!chosen.length || chosen.includes(name)));
  await esbuild.build({
    entryPoints: files.map((name) => join(here, name)),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    target: 'node18',
    external: ['node:*'],
    conditions: ['browser', 'svelte'],
    nodePaths: [join(console_, 'node_modules')],
    plugins: [runes],
    logLevel: 'warning',
  });
  const bundles = files.map((name) => join(out, basename(name).replace(/\.ts$/, '.mjs')));
  const ran = spawnSync(process.execPath, ['--test', ...bundles], {
    stdio: 'inherit',
    env: { ...process.env, OPENAPI: resolve(openapi), TZ: 'Asia/Tokyo' },
  });
  process.exitCode = ran.status ?? 1;
} finally {
  rmSync(out, { recursive: true });
}
