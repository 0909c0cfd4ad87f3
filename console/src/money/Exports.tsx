/** Files for spreadsheets: started here, made in the background, kept for a while. */
import DownloadIcon from "@mui/icons-material/DownloadOutlined";
import { Box, Button, Card, Chip, LinearProgress, MenuItem, TextField, Typography } from "@mui/material";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { useLocale } from "react-admin";
import { newKey, request } from "../api/client";
import type { Listed, Raffle } from "../api/types";
import { post, useApi } from "../api/useApi";
import { Complaint } from "../components/ActionDialog";
import { Empty, Failed, Loading } from "../components/states";
import { moment } from "../format";
import { useText } from "../i18n";

interface Export {
  id: string;
  of: "tickets" | "orders" | "buyers";
  format: "csv" | "xlsx";
  status: "WAITING" | "RUNNING" | "READY" | "FAILED";
  progress: number;
  file_name: string;
  vanishes_at: string;
}

const BUSY = 2_000;
const CALM = 20_000;
const unfinished = (one: Export) => one.status === "WAITING" || one.status === "RUNNING";

export function Exports({ raffle }: { raffle: Raffle }) {
  const text = useText();
  const queries = useQueryClient();
  const locale = useLocale() ?? "en";
  const key = useRef(newKey());
  const [of, setOf] = useState<Export["of"]>("buyers");
  const [format, setFormat] = useState<Export["format"]>("xlsx");
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const { data, error, refetch } = useApi<Listed<Export>>(`/raffles/${raffle.id}/exports`, undefined, {
    refetchInterval: ({ state }) => (state.data?.results.some(unfinished) ? BUSY : CALM),
    refetchIntervalInBackground: false,
  });
  const start = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      await post(`/raffles/${raffle.id}/exports`, { body: { of, format }, once: key.current });
      key.current = newKey();
      await queries.invalidateQueries({ queryKey: ["api", `/raffles/${raffle.id}/exports`] });
    } catch (problem) {
      setFailure(problem);
    } finally {
      setBusy(false);
    }
  };
  // The link lives minutes, so it is asked for when it is wanted.
  const download = (id: string) =>
    request<{ url: string | null }>(`/exports/${id}`).then(
      ({ data: made }) => made.url && window.location.assign(made.url),
      setFailure,
    );
  return (
    <Box sx={{ display: "grid", gap: 2 }}>
      <Card component="form" onSubmit={start} sx={{ p: 2, display: "flex", gap: 1.5, flexWrap: "wrap" }}>
        <TextField
          select
          label={text("money.export_of")}
          value={of}
          onChange={(event) => setOf(event.target.value as Export["of"])}
          sx={{ width: 180 }}
        >
          {(["buyers", "orders", "tickets"] as const).map((one) => (
            <MenuItem key={one} value={one}>
              {text(`money.of.${one}`)}
            </MenuItem>
          ))}
        </TextField>
        <TextField
          select
          label={text("money.export_format")}
          value={format}
          onChange={(event) => setFormat(event.target.value as Export["format"])}
          sx={{ width: 140 }}
        >
          <MenuItem value="xlsx">Excel</MenuItem>
          <MenuItem value="csv">CSV</MenuItem>
        </TextField>
        <Button type="submit" variant="contained" loading={busy}>
          {text("money.start")}
        </Button>
      </Card>
      {failure !== null && <Complaint failure={failure} />}
      {error ? (
        <Failed error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Loading />
      ) : (
        data.results.length === 0 && <Empty>{text("money.no_exports")}</Empty>
      )}
      {data?.results.map((one) => (
        <Card key={one.id} sx={{ p: 2, display: "flex", gap: 1.5, flexWrap: "wrap", alignItems: "center" }}>
          <Box sx={{ flex: 1, minWidth: 200 }}>
            <Typography sx={{ fontWeight: 650, overflowWrap: "anywhere" }}>{one.file_name}</Typography>
            <Typography variant="body2" sx={{ color: "text.secondary" }}>
              {text(`money.of.${one.of}`)} ·{" "}
              {text("money.vanishes", { when: moment(one.vanishes_at, locale) })}
            </Typography>
            {unfinished(one) && (
              <LinearProgress
                variant="determinate"
                value={one.progress}
                aria-label={text(`money.export_status.${one.status}`)}
                sx={{ mt: 1, height: 6, borderRadius: 3 }}
              />
            )}
          </Box>
          <Chip
            size="small"
            variant="outlined"
            color={one.status === "READY" ? "success" : one.status === "FAILED" ? "error" : "info"}
            label={text(`money.export_status.${one.status}`)}
          />
          {one.status === "READY" && (
            <Button startIcon={<DownloadIcon />} variant="outlined" onClick={() => void download(one.id)}>
              {text("money.download")}
            </Button>
          )}
        </Card>
      ))}
    </Box>
  );
}
