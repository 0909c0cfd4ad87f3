/** Up to 10,000 numbers, of which only those that are seen are drawn, so that scrolling stays smooth. */
import { Box, Typography, useTheme } from "@mui/material";
import {
  type KeyboardEvent,
  type MouseEvent,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { padded } from "../format";
import { type TextKey, useText } from "../i18n";
import { CELL, layOut, moveBy, placeAt, seenRows } from "./layout";

interface Props {
  /** A letter for each number: A free, R held, S sold. */
  letters: string;
  first: number;
  /** The last number of the raffle: all are written as wide as it. */
  last: number;
  /** The number to scroll to. */
  shown: number | null;
  onOpen: (number: number) => void;
}

const STATUS: Record<string, TextKey> = {
  A: "ticket_status.AVAILABLE",
  R: "ticket_status.RESERVED",
  S: "ticket_status.SOLD",
};
const HEIGHT = "min(60dvh, 640px)";
const GAP = 2;

export function NumberGrid({ letters, first, last, shown, onOpen }: Props) {
  const text = useText();
  const { palette, typography } = useTheme();
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useRef(0);
  const [width, setWidth] = useState(0);
  const [mark, setMark] = useState(0);
  const [focused, setFocused] = useState(false);
  const total = letters.length;
  const layout = layOut(total, Math.max(1, width), String(last).length);

  const draw = useCallback(() => {
    const [element, board] = [scroller.current, canvas.current];
    const pen = board?.getContext("2d");
    if (!element || !board || !pen || width === 0) return;
    const height = element.clientHeight;
    const ratio = window.devicePixelRatio;
    if (board.width !== Math.round(width * ratio) || board.height !== Math.round(height * ratio)) {
      board.width = Math.round(width * ratio);
      board.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = `14px ${typography.fontFamily}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const [from, to] = seenRows(layout, element.scrollTop, height);
    for (let row = from; row < to; row += 1) {
      for (let column = 0; column < layout.columns; column += 1) {
        const place = row * layout.columns + column;
        if (place >= total) break;
        const x = column * layout.width + GAP / 2;
        const y = row * CELL - element.scrollTop + GAP / 2;
        const [wide, tall] = [layout.width - GAP, CELL - GAP];
        const letter = letters[place];
        pen.beginPath();
        pen.roundRect(x, y, wide, tall, 6);
        if (letter === "S") {
          pen.fillStyle = palette.primary.main;
          pen.fill();
        } else {
          pen.lineWidth = letter === "R" ? 2.5 : 1;
          pen.strokeStyle = letter === "R" ? palette.warning.main : palette.divider;
          pen.stroke();
        }
        pen.fillStyle = letter === "S" ? palette.primary.contrastText : palette.text.primary;
        pen.fillText(padded(first + place, last), x + wide / 2, y + tall / 2 + 1);
        if (focused && place === mark) {
          pen.lineWidth = 3;
          pen.strokeStyle = palette.info.main;
          pen.stroke();
        }
      }
    }
  }, [letters, first, last, total, width, layout, mark, focused, palette, typography.fontFamily]);

  useLayoutEffect(draw, [draw]);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const scrollTo = (place: number) => {
    const element = scroller.current;
    if (!element) return;
    const top = Math.floor(place / layout.columns) * CELL;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + CELL > element.scrollTop + element.clientHeight)
      element.scrollTop = top + CELL - element.clientHeight;
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each number that is looked for
  useEffect(() => {
    if (shown === null || shown < first || shown >= first + total) return;
    setMark(shown - first);
    scrollTo(shown - first);
  }, [shown, first, total, width]);

  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" || event.key === " ") onOpen(first + mark);
    else {
      const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? CELL) / CELL));
      const to = moveBy(event.key, mark, total, layout, page);
      if (to === null) return;
      setMark(to);
      scrollTo(to);
    }
    event.preventDefault();
  };
  const click = (event: MouseEvent) => {
    const element = scroller.current;
    if (!element) return;
    const box = element.getBoundingClientRect();
    const y = event.clientY - box.top + element.scrollTop;
    const place = placeAt(
      layout,
      total,
      event.clientX - box.left - element.clientLeft,
      y - element.clientTop,
    );
    if (place === null) return;
    setMark(place);
    onOpen(first + place);
  };
  const label = text("board.label", { first: padded(first, last), last: padded(first + total - 1, last) });
  const marked = padded(first + mark, last);
  return (
    <>
      <Box
        ref={scroller}
        role="application"
        aria-label={label}
        aria-describedby="board-mark"
        tabIndex={0}
        data-testid="board"
        onKeyDown={press}
        onClick={click}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onScroll={() => {
          cancelAnimationFrame(frame.current);
          frame.current = requestAnimationFrame(draw);
        }}
        sx={{
          height: layout.rows * CELL > 640 ? HEIGHT : layout.rows * CELL,
          maxHeight: HEIGHT,
          overflowY: "auto",
          cursor: "pointer",
          borderRadius: 1,
        }}
      >
        <Box sx={{ height: layout.rows * CELL, position: "relative" }}>
          <Box
            component="canvas"
            ref={canvas}
            sx={{
              position: "sticky",
              top: 0,
              display: "block",
              width: "100%",
              height: "100%",
              maxHeight: HEIGHT,
            }}
          />
        </Box>
      </Box>
      <Typography
        id="board-mark"
        variant="body2"
        aria-live="polite"
        sx={{ color: "text.secondary", mt: 1, visibility: focused ? "visible" : "hidden" }}
      >
        {text("board.number", { number: marked })}:{" "}
        {text(STATUS[letters[mark] ?? "A"] ?? "ticket_status.AVAILABLE")}
      </Typography>
    </>
  );
}
