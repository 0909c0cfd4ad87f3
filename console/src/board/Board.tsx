/** The board of a raffle: all its numbers and their states, or ranges of them if there are too many to draw. */
import { Box, Button, Card, LinearProgress, TextField, Typography } from "@mui/material";
import { type FormEvent, useState } from "react";
import { useLocale } from "react-admin";
import type { Raffle } from "../api/types";
import { useApi } from "../api/useApi";
import { Failed, Loading } from "../components/states";
import { count, padded } from "../format";
import { useText } from "../i18n";
import { NumberDialog } from "./NumberDialog";
import { NumberGrid } from "./NumberGrid";

interface Range {
  first: number;
  last: number;
  available: number;
  reserved: number;
  sold: number;
}

interface BoardPart {
  raffle: string;
  first: number;
  last: number;
  /** A letter for each number; null if there are too many. */
  numbers: string | null;
  ranges: Range[];
}

const REFRESH = 15_000;
const MOST = 10_000; // numbers that the API tells one by one

export default function Board({ raffle }: { raffle: Raffle }) {
  const text = useText();
  const [range, setRange] = useState<{ first: number; last: number } | null>(null);
  const [open, setOpen] = useState<number | null>(null);
  const [typed, setTyped] = useState("");
  const [complaint, setComplaint] = useState("");
  const [shown, setShown] = useState<number | null>(null);
  const { data, error, refetch } = useApi<BoardPart>(`/raffles/${raffle.id}/board`, range ?? undefined, {
    refetchInterval: REFRESH,
    refetchIntervalInBackground: false,
    // Another range of the same raffle may be shown while one loads, but never another raffle.
    placeholderData: (before) => (before?.raffle === raffle.id ? before : undefined),
  });
  const { first_number: first, last_number: last } = raffle;

  const find = (event: FormEvent) => {
    event.preventDefault();
    const number = Number(typed);
    if (!/^\d+$/.test(typed.trim()) || number < first || number > last) {
      setComplaint(text("board.outside", { first: padded(first, last), last }));
      return;
    }
    setComplaint("");
    if (last - first + 1 > MOST) {
      const start = first + Math.floor((number - first) / MOST) * MOST;
      setRange({ first: start, last: Math.min(last, start + MOST - 1) });
    }
    setShown(number);
    setOpen(number);
  };
  return (
    <Card component="section" sx={{ p: 2, minWidth: 0 }}>
      <Box sx={{ display: "flex", gap: 1, alignItems: "flex-start", flexWrap: "wrap", mb: 1 }}>
        <Typography variant="h2" sx={{ flex: 1, minWidth: 120, lineHeight: "44px" }}>
          {text("raffles.board")}
        </Typography>
        <Box
          component="form"
          noValidate
          onSubmit={find}
          sx={{ display: "flex", gap: 1, alignItems: "flex-start" }}
        >
          <TextField
            label={text("board.find")}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            error={complaint !== ""}
            helperText={complaint}
            sx={{ width: 160 }}
            slotProps={{ htmlInput: { inputMode: "numeric" } }}
          />
          <Button type="submit" variant="outlined">
            {text("board.go")}
          </Button>
        </Box>
      </Box>
      <Legend />
      {range && (
        <Button onClick={() => setRange(null)} sx={{ mb: 1 }}>
          {text("board.all_ranges")} ({padded(range.first, last)} – {padded(range.last, last)})
        </Button>
      )}
      {error ? (
        <Failed error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Loading />
      ) : data.numbers !== null ? (
        <NumberGrid letters={data.numbers} first={data.first} last={last} shown={shown} onOpen={setOpen} />
      ) : (
        <Ranges ranges={data.ranges} last={last} onChoose={setRange} />
      )}
      {open !== null && <NumberDialog raffle={raffle} number={open} onClose={() => setOpen(null)} />}
    </Card>
  );
}

function Legend() {
  const text = useText();
  return (
    <Box
      aria-label={text("board.legend")}
      role="group"
      sx={{ display: "flex", gap: 2, mb: 1, flexWrap: "wrap" }}
    >
      {(["AVAILABLE", "RESERVED", "SOLD"] as const).map((status) => (
        <Box key={status} sx={{ display: "flex", gap: 0.75, alignItems: "center" }}>
          <Box
            sx={{
              width: 16,
              height: 16,
              borderRadius: 0.5,
              border: status === "RESERVED" ? 2 : 1,
              borderColor:
                status === "RESERVED" ? "warning.main" : status === "SOLD" ? "primary.main" : "divider",
              bgcolor: status === "SOLD" ? "primary.main" : "transparent",
            }}
          />
          <Typography variant="body2">{text(`ticket_status.${status}`)}</Typography>
        </Box>
      ))}
    </Box>
  );
}

function Ranges({
  ranges,
  last,
  onChoose,
}: {
  ranges: Range[];
  last: number;
  onChoose: (range: Range) => void;
}) {
  const text = useText();
  const locale = useLocale() ?? "en";
  return (
    <Box
      component="ul"
      aria-label={text("board.range")}
      sx={{
        listStyle: "none",
        m: 0,
        p: 0,
        display: "grid",
        gap: 1,
        gridTemplateColumns: "repeat(auto-fill, minmax(160px, 1fr))",
      }}
    >
      {ranges.map((range) => {
        const total = range.last - range.first + 1;
        const words = text("raffles.sold_of", {
          sold: count(range.sold, locale),
          held: count(range.reserved, locale),
          free: count(range.available, locale),
        });
        return (
          <li key={range.first}>
            <Button
              variant="outlined"
              fullWidth
              title={words}
              onClick={() => onChoose({ ...range })}
              sx={{ display: "block", textAlign: "left", color: "text.primary", borderColor: "divider" }}
            >
              {padded(range.first, last)} – {padded(range.last, last)}
              <LinearProgress
                variant="buffer"
                aria-label={words}
                value={(100 * range.sold) / total}
                valueBuffer={(100 * (range.sold + range.reserved)) / total}
                sx={{
                  height: 6,
                  borderRadius: 3,
                  bgcolor: "action.selected",
                  "& .MuiLinearProgress-dashed": { display: "none" },
                }}
              />
            </Button>
          </li>
        );
      })}
    </Box>
  );
}
