/**
 * Makes of the build what chalicelib/http/console.py serves: the page, and each file compressed twice.
 * Fails if the scripts of a screen are larger than their budget.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const KB = 1000;
const FIRST_SCREEN = 360 * KB;
const LAZY_ROUTE = 60 * KB;
// No screen, but a library that a screen loads once somebody opens a PDF.
const LIBRARIES = new Set(["pdf"]);

interface Chunk {
  type: "chunk";
  name: string;
  fileName: string;
  isEntry: boolean;
  isDynamicEntry: boolean;
  imports: string[];
}

const gzip = (content: Uint8Array) => gzipSync(content, { level: 9 });
const brotli = (content: Uint8Array) =>
  brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });

export function servedByTheFunction(): Plugin {
  let folder = "";
  return {
    name: "served-by-the-function",
    apply: "build",
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    writeBundle(_options, bundle) {
      const sizes = new Map<string, number>();
      for (const name of readdirSync(join(folder, "assets"))) {
        const file = join(folder, "assets", name);
        const content = readFileSync(file);
        const zipped = gzip(content);
        sizes.set(`assets/${name}`, zipped.length);
        writeFileSync(`${file}.gz`, zipped);
        writeFileSync(`${file}.br`, brotli(content));
        rmSync(file);
      }
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk") as Chunk[];
      const complaints = checkBudgets(chunks, sizes, (line) => this.info(line));
      if (complaints.length > 0) this.error(complaints.join("\n"));
    },
  };
}

/** Return a sentence for each screen whose scripts are too large. */
export function checkBudgets(
  chunks: Chunk[],
  sizes: Map<string, number>,
  say: (line: string) => void = () => {},
): string[] {
  const byFile = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const closure = (file: string, found = new Set<string>()): Set<string> => {
    if (found.has(file)) return found;
    found.add(file);
    for (const imported of byFile.get(file)?.imports ?? []) closure(imported, found);
    return found;
  };
  const weigh = (files: Iterable<string>) =>
    [...files].reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0);
  const first = new Set(
    chunks.filter((chunk) => chunk.isEntry).flatMap((chunk) => [...closure(chunk.fileName)]),
  );
  const complaints: string[] = [];
  const judge = (what: string, size: number, budget: number) => {
    say(`${what}: ${(size / KB).toFixed(1)} KB gzip of ${budget / KB}`);
    if (size > budget) complaints.push(`${what} is ${size} bytes of gzip, more than ${budget}`);
  };
  judge("first screen", weigh(first), FIRST_SCREEN);
  for (const chunk of chunks) {
    if (!chunk.isDynamicEntry || LIBRARIES.has(chunk.name)) continue;
    judge(chunk.name, weigh([...closure(chunk.fileName)].filter((file) => !first.has(file))), LAZY_ROUTE);
  }
  return complaints;
}
