/** A text of the chat as WhatsApp shows it. */
import { Box } from "@mui/material";
import { piecesOf } from "./chatMarks";

const TAGS = { bold: "strong", italic: "em", struck: "s", code: "code" } as const;

export function ChatText({ text }: { text: string }) {
  return (
    <Box component="span" sx={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }} dir="auto">
      {piecesOf(text).map((piece, at) => {
        const Tag = piece.mark ? TAGS[piece.mark] : "span";
        // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move
        return <Tag key={at}>{piece.text}</Tag>;
      })}
    </Box>
  );
}
