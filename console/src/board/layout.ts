/** Where each number lies on the board, and which of them are seen. */

export const CELL = 44; // pixels: what a thumb hits

export interface Layout {
  columns: number;
  rows: number;
  /** The width of a cell, so that a row fills the board. */
  width: number;
}

export function layOut(total: number, width: number, digits: number): Layout {
  const least = Math.max(CELL, digits * 9 + 14);
  const columns = Math.max(1, Math.floor(width / least));
  return { columns, rows: Math.ceil(total / columns), width: width / columns };
}

/** The first row that is seen at a scroll position, and the row after the last one. */
export function seenRows(layout: Layout, top: number, height: number): [number, number] {
  return [Math.max(0, Math.floor(top / CELL)), Math.min(layout.rows, Math.ceil((top + height) / CELL))];
}

/** The place of a number at a point of the whole board, or null beside it. */
export function placeAt(layout: Layout, total: number, x: number, y: number): number | null {
  const column = Math.floor(x / layout.width);
  if (column < 0 || column >= layout.columns) return null;
  const place = Math.floor(y / CELL) * layout.columns + column;
  return place >= 0 && place < total ? place : null;
}

/** Where a key leads from a place. */
export function moveBy(
  key: string,
  place: number,
  total: number,
  layout: Layout,
  page: number,
): number | null {
  const steps: Record<string, number> = {
    ArrowRight: 1,
    ArrowLeft: -1,
    ArrowDown: layout.columns,
    ArrowUp: -layout.columns,
    PageDown: layout.columns * page,
    PageUp: -layout.columns * page,
    Home: -place,
    End: total - 1 - place,
  };
  const step = steps[key];
  return step === undefined ? null : Math.min(total - 1, Math.max(0, place + step));
}
