import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

/* Relative addresses: the console works under any path that a reverse proxy gives it.  No inlined
 * assets and no module preload script: the Content-Security-Policy allows only files of ours. */
export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: {
    outDir: process.env.CONSOLE_OUT ?? 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
