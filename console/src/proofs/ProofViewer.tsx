/** A file large, to be zoomed and turned: a picture, or the pages of a PDF. */
import ChevronLeftIcon from "@mui/icons-material/ChevronLeft";
import ChevronRightIcon from "@mui/icons-material/ChevronRight";
import OpenInNewIcon from "@mui/icons-material/OpenInNew";
import RotateRightIcon from "@mui/icons-material/RotateRight";
import ZoomInIcon from "@mui/icons-material/ZoomIn";
import ZoomOutIcon from "@mui/icons-material/ZoomOut";
import { Box, Button, IconButton, Paper, Tooltip, Typography } from "@mui/material";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { Loading } from "../components/states";
import { useText } from "../i18n";
import { fitting, type Size } from "./fitting";
import type { Pdf } from "./pdf";

interface Props {
  url: string;
  mimeType: string;
  label: string;
  /** Keys work while this is true: the one viewer that the screen is about. */
  keys?: boolean;
  height: string | Record<string, string>;
}

const STEPS = [1, 1.5, 2, 3, 4, 6, 8];
const MAX_PIXELS = 16_000_000; // of a canvas: phones draw nothing on larger ones

export function ProofViewer({ url, mimeType, label, keys, height }: Props) {
  const text = useText();
  const frame = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState<Size>({ width: 0, height: 0 });
  const [size, setSize] = useState<Size | null>(null);
  const [step, setStep] = useState(0);
  const [turn, setTurn] = useState(0);
  const [failed, setFailed] = useState(false);
  const [page, setPage] = useState(1);
  const [pages, setPages] = useState(1);
  const isPdf = mimeType === "application/pdf";

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() =>
      setRoom({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const zoom = useCallback(
    (by: number) => setStep((now) => Math.min(STEPS.length - 1, Math.max(0, now + by))),
    [],
  );
  const rotate = useCallback(() => setTurn((now) => (now + 1) % 4), []);

  useEffect(() => {
    if (!keys) return;
    const press = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      if (event.key === "+" || event.key === "=") zoom(1);
      else if (event.key === "-") zoom(-1);
      else if (event.key.toLowerCase() === "t") rotate();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [keys, zoom, rotate]);

  const scale = size ? fitting(size, room, turn) * (STEPS[step] ?? 1) : 1;
  const [width, tall] = size ? [size.width * scale, size.height * scale] : [0, 0];
  const place = {
    position: "absolute",
    top: "50%",
    left: "50%",
    width,
    height: tall,
    maxWidth: "none",
    transform: `translate(-50%, -50%) rotate(${turn * 90}deg)`,
  } as const;
  return (
    <Paper variant="outlined" sx={{ display: "flex", flexDirection: "column", height, overflow: "hidden" }}>
      <Box
        ref={frame}
        role="region"
        aria-label={label}
        tabIndex={0}
        sx={{ flex: 1, minHeight: 0, overflow: "auto", bgcolor: "action.hover", display: "grid" }}
      >
        {failed ? (
          <Message>
            {text("review.no_picture")}{" "}
            <Button href={url} target="_blank" rel="noopener noreferrer" startIcon={<OpenInNewIcon />}>
              {text("review.open_file")}
            </Button>
          </Message>
        ) : (
          <>
            {!size && <Loading />}
            <Box
              sx={{
                position: "relative",
                m: "auto",
                width: turn % 2 === 0 ? width : tall,
                height: turn % 2 === 0 ? tall : width,
                visibility: size ? "visible" : "hidden",
              }}
            >
              {isPdf ? (
                <PdfPage
                  url={url}
                  page={page}
                  scale={scale}
                  label={label}
                  place={place}
                  onSize={setSize}
                  onPages={setPages}
                  onFail={() => setFailed(true)}
                />
              ) : (
                <Box
                  component="img"
                  src={url}
                  alt={label}
                  referrerPolicy="no-referrer"
                  onLoad={({ currentTarget }) =>
                    setSize({ width: currentTarget.naturalWidth, height: currentTarget.naturalHeight })
                  }
                  onError={() => setFailed(true)}
                  sx={place}
                />
              )}
            </Box>
          </>
        )}
      </Box>
      <Box
        sx={{
          display: "flex",
          justifyContent: "center",
          alignItems: "center",
          borderTop: 1,
          borderColor: "divider",
        }}
      >
        {pages > 1 && (
          <>
            <Tool label={text("app.previous")} onClick={() => setPage(page - 1)} disabled={page === 1}>
              <ChevronLeftIcon />
            </Tool>
            <Typography variant="body2">{text("review.pdf_page", { page, pages })}</Typography>
            <Tool label={text("app.next")} onClick={() => setPage(page + 1)} disabled={page === pages}>
              <ChevronRightIcon />
            </Tool>
          </>
        )}
        <Tool label={text("review.zoom_out")} onClick={() => zoom(-1)} disabled={step === 0}>
          <ZoomOutIcon />
        </Tool>
        <Tool label={text("review.zoom_in")} onClick={() => zoom(1)} disabled={step === STEPS.length - 1}>
          <ZoomInIcon />
        </Tool>
        <Tool label={text("review.rotate")} onClick={rotate}>
          <RotateRightIcon />
        </Tool>
      </Box>
    </Paper>
  );
}

/** Whether a key belongs to a field or a dialog, and not to the screen. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true;
  return (
    target?.closest?.('input, textarea, select, [role="dialog"], [role="menu"], [role="listbox"]') != null
  );
}

function Tool(props: { label: string; onClick: () => void; disabled?: boolean; children: ReactNode }) {
  return (
    <Tooltip title={props.label}>
      <span>
        <IconButton aria-label={props.label} onClick={props.onClick} disabled={props.disabled}>
          {props.children}
        </IconButton>
      </span>
    </Tooltip>
  );
}

function Message({ children }: { children: ReactNode }) {
  return <Box sx={{ m: "auto", p: 2, textAlign: "center" }}>{children}</Box>;
}

interface PageProps {
  url: string;
  page: number;
  scale: number;
  label: string;
  place: object;
  onSize: (size: Size) => void;
  onPages: (pages: number) => void;
  onFail: () => void;
}

function PdfPage({ url, page, scale, label, place, onSize, onPages, onFail }: PageProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [pdf, setPdf] = useState<Pdf | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: opened once for each file
  useEffect(() => {
    let opened: Pdf | null = null;
    let gone = false;
    import("./pdf")
      .then(({ openPdf }) => openPdf(url))
      .then((found) => {
        opened = found;
        if (gone) return found.close();
        onPages(found.pages);
        setPdf(found);
      })
      .catch(() => !gone && onFail());
    return () => {
      gone = true;
      opened?.close();
    };
  }, [url]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the callbacks do not change what is drawn
  useEffect(() => {
    if (!pdf) return;
    let gone = false;
    const draw = async () => {
      const size = await pdf.size(page);
      if (gone || !canvas.current) return;
      onSize(size);
      const sharp = scale * window.devicePixelRatio;
      const most = Math.sqrt(MAX_PIXELS / (size.width * size.height));
      await pdf.draw(page, canvas.current, Math.min(sharp, most));
    };
    draw().catch(() => !gone && onFail());
    return () => {
      gone = true;
    };
  }, [pdf, page, scale]);

  return (
    <Box component="canvas" ref={canvas} role="img" aria-label={label} sx={{ ...place, bgcolor: "#fff" }} />
  );
}
