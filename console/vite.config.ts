import { fileURLToPath } from "node:url";

import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

const server = process.env.FARWATCH_CONSOLE_PROXY ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [vue()],
  // Nothing is inlined: the content security policy allows files of this host only.
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 1200 },
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  worker: { format: "es" },
  server: { host: "127.0.0.1", proxy: { "/api": server } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
