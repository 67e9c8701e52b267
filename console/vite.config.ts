import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// The gateway sends these in place of the files to browsers that take them, and compresses nothing itself.
function compressed(): Plugin {
  return {
    name: "compressed",
    writeBundle(options) {
      const folder = join(options.dir ?? "dist", "assets");
      for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        const content = readFileSync(path);
        const smaller = gzipSync(content, { level: 9 });
        if (smaller.length < content.length * 0.9) writeFileSync(`${path}.gz`, smaller);
      }
    },
  };
}

export default defineConfig({
  // Relative, since the gateway may be behind a proxy that adds a prefix.
  base: "./",
  plugins: [react(), compressed()],
  html: { cspNonce: "%NONCE%" },
  build: {
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4000,
    // All that know light-dark(), which is otherwise rewritten for a colour scheme that no style sheet here sets.
    cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5"],
    reportCompressedSize: false,
  },
});
