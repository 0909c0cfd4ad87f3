/** Settles many orders at once. What would happen is shown before anything does. */
import { Alert, Box, Button, Paper, TextField, Typography } from "@mui/material";
import { useEffect, useState } from "react";
import { Problem } from "../api/client";
import type { BulkResult } from "../api/types";
import { post } from "../api/useApi";
import { ActionDialog } from "../components/ActionDialog";
import { type TextKey, useText } from "../i18n";
import { explain } from "../i18n/problem";

type Action = "confirm" | "reject" | "cancel";
const PATHS: Record<Action, string> = {
  confirm: "confirm-payment",
  reject: "reject-proof",
  cancel: "cancel",
};

export function BulkBar({ ids, onDone }: { ids: string[]; onDone: () => void }) {
  const text = useText();
  const [action, setAction] = useState<Action | null>(null);
  if (ids.length === 0) return null;
  return (
    <Paper
      elevation={4}
      role="group"
      aria-label={text("orders.actions")}
      sx={{
        position: "sticky",
        bottom: { xs: 72, md: 12 },
        mt: 2,
        p: 1,
        display: "flex",
        flexWrap: "wrap",
        alignItems: "center",
        gap: 1,
        zIndex: 2,
      }}
    >
      <Typography sx={{ px: 1 }}>{text("orders.selected", { smart_count: ids.length })}</Typography>
      {(["confirm", "reject", "cancel"] as const).map((one) => (
        <Button
          key={one}
          variant={one === "confirm" ? "contained" : "outlined"}
          onClick={() => setAction(one)}
        >
          {text(`actions.${one}`)}
        </Button>
      ))}
      <BulkDialog ids={ids} action={action} onClose={() => setAction(null)} onDone={onDone} />
    </Paper>
  );
}

interface DialogProps {
  ids: string[];
  action: Action | null;
  onClose: () => void;
  onDone: () => void;
}

/** Shows the dry run, then does it. Also used for the sure orders of a bank statement. */
export function BulkDialog({ ids, action, onClose, onDone }: DialogProps) {
  const text = useText();
  const [reason, setReason] = useState("");
  const [preview, setPreview] = useState<BulkResult | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const needsReason = action === "reject";
  const key = ids.join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: the ids by their content
  useEffect(() => {
    setPreview(null);
    setFailure(null);
    if (action === null) return;
    const body = { action: PATHS[action], ids, dry_run: true, ...(needsReason ? { reason: "-" } : {}) };
    const stop = new AbortController();
    post<BulkResult>("/orders/bulk", { body, signal: stop.signal }).then(
      ({ data }) => setPreview(data),
      (problem) => !stop.signal.aborted && setFailure(problem),
    );
    return () => stop.abort();
  }, [action, key]);

  const name = action ? text(`actions.${action}`) : "";
  const run = async () => {
    if (!action) return undefined;
    const body = { action: PATHS[action], ids, dry_run: false, ...(needsReason ? { reason } : {}) };
    const { counts } = (await post<BulkResult>("/orders/bulk", { body })).data;
    return summary(counts, "bulk.was_done", text).join(" · ");
  };
  const counts = preview?.counts;
  return (
    <ActionDialog
      open={action !== null}
      onClose={onClose}
      onDone={onDone}
      title={text("bulk.title", { action: name, smart_count: ids.length })}
      confirm={text("bulk.run")}
      danger={action === "cancel"}
      ready={(counts?.done ?? 0) > 0 && (!needsReason || reason.trim() !== "")}
      run={run}
    >
      <Box sx={{ display: "grid", gap: 1.5 }}>
        {needsReason && (
          <TextField
            label={text("actions.reason")}
            helperText={text("actions.reason_help")}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
            autoFocus
            slotProps={{ htmlInput: { maxLength: 200 } }}
          />
        )}
        <Typography variant="h3">{text("bulk.preview")}</Typography>
        {failure !== null && <Alert severity="error">{explain(failure, text)}</Alert>}
        {preview === null && failure === null && <Typography role="status">{text("app.loading")}</Typography>}
        {counts && (
          <Alert severity={counts.refused ? "warning" : "info"}>
            {counts.done === 0 ? text("bulk.nothing") : summary(counts, "bulk.done", text).join(" · ")}
          </Alert>
        )}
        {preview && counts && counts.refused > 0 && (
          <Box component="ul" sx={{ m: 0, pl: 2.5, maxHeight: 200, overflowY: "auto" }}>
            {preview.results
              .filter((result) => result.outcome === "refused")
              .map((result) => (
                <li key={result.id}>
                  {result.id}: {explain(new Problem(409, result.code ?? "", ""), text)}
                </li>
              ))}
          </Box>
        )}
      </Box>
    </ActionDialog>
  );
}

function summary(counts: BulkResult["counts"], done: TextKey, text: ReturnType<typeof useText>): string[] {
  const lines: [TextKey, number][] = [
    [done, counts.done],
    ["bulk.unchanged", counts.unchanged],
    ["bulk.refused", counts.refused],
    ["bulk.not_tried", counts.not_tried],
  ];
  return lines.filter(([, count]) => count > 0).map(([key, count]) => text(key, { count }));
}
