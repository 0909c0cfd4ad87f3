/** WhatsApp's marks in a text: *bold*, _italics_, ~struck~ and `code`. */

export interface Piece {
  text: string;
  mark: "bold" | "italic" | "struck" | "code" | null;
}

const MARKS = { "*": "bold", _: "italic", "~": "struck", "`": "code" } as const;
// A mark opens at the begin of a word and closes at the end of one, within a line.
const MARKED = /(?<![\p{L}\p{N}])([*_~`])(?!\s)([^\n]*?[^\s\n])\1(?![\p{L}\p{N}])/gu;

/** Split a text into pieces. They are shown as text, whatever they hold. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const found of text.matchAll(MARKED)) {
    if (found.index > at) pieces.push({ text: text.slice(at, found.index), mark: null });
    pieces.push({ text: found[2] ?? "", mark: MARKS[found[1] as keyof typeof MARKS] });
    at = found.index + found[0].length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), mark: null });
  return pieces;
}
