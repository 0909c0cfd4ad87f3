import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { servedByTheFunction } from "./build/servedByTheFunction.ts";

// Where `make run` serves the API, for `npm run dev`.
const api = process.env.API_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "./",
  plugins: [react(), servedByTheFunction()],
  html: { cspNonce: "@@nonce@@" },
  build: {
    outDir: "../chalicelib/http/console_files",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    reportCompressedSize: false,
  },
  server: { host: "127.0.0.1", proxy: { "/api": api } },
});
