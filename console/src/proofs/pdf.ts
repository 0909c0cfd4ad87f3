/** Draws the pages of a PDF. Loaded once somebody opens one. */
import { GlobalWorkerOptions, getDocument, type PDFDocumentProxy, type RenderTask } from "pdfjs-dist";
import worker from "pdfjs-dist/build/pdf.worker.min.mjs?url";

GlobalWorkerOptions.workerSrc = worker;

export interface Pdf {
  pages: number;
  /** The size of a page in pixels, at scale 1. */
  size: (page: number) => Promise<{ width: number; height: number }>;
  draw: (page: number, canvas: HTMLCanvasElement, scale: number) => Promise<void>;
  close: () => void;
}

/** Open a PDF that a stranger made: no script of it runs, and it fetches nothing. */
export async function openPdf(url: string): Promise<Pdf> {
  const answer = await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer" });
  if (!answer.ok) throw new Error(`The file could not be read: ${answer.status}`);
  const task = getDocument({
    data: await answer.arrayBuffer(),
    enableXfa: false,
    isEvalSupported: false,
    useWasm: false,
    stopAtErrors: false,
  });
  const document: PDFDocumentProxy = await task.promise;
  let drawing: RenderTask | null = null;
  return {
    pages: document.numPages,
    async size(page) {
      const { width, height } = (await document.getPage(page)).getViewport({ scale: 1 });
      return { width, height };
    },
    async draw(number, canvas, scale) {
      drawing?.cancel();
      const page = await document.getPage(number);
      const viewport = page.getViewport({ scale });
      canvas.width = Math.floor(viewport.width);
      canvas.height = Math.floor(viewport.height);
      drawing = page.render({ canvas, viewport });
      try {
        await drawing.promise;
      } catch (failure) {
        if ((failure as Error).name !== "RenderingCancelledException") throw failure;
      }
    },
    close: () => void task.destroy(),
  };
}
