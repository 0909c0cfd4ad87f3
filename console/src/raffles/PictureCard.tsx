/** The picture that comes with a raffle's card in the chat. */
import { Box, Button, Card, Typography } from "@mui/material";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { request } from "../api/client";
import type { Raffle } from "../api/types";
import { useApi } from "../api/useApi";
import { ActionDialog, Complaint } from "../components/ActionDialog";
import { useText } from "../i18n";
import { useMay } from "../permissions";

const FRESH = 4 * 60_000; // a link lives five minutes

export function PictureCard({ raffle }: { raffle: Raffle }) {
  const text = useText();
  const may = useMay();
  const queries = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [removing, setRemoving] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const path = `/raffles/${raffle.id}/picture`;
  const { data } = useApi<{ url: string }>(raffle.picture ? path : null, undefined, {
    staleTime: FRESH,
    refetchInterval: FRESH,
  });
  const upload = async (file: File | undefined) => {
    if (!file) return;
    setBusy(true);
    setFailure(null);
    try {
      await request(`${path}/file`, { method: "PUT", file, etag: raffle.etag });
      await queries.invalidateQueries();
    } catch (problem) {
      setFailure(problem);
    } finally {
      setBusy(false);
    }
  };
  if (!raffle.picture && !may("manager")) return null;
  return (
    <Card component="section" sx={{ p: 2 }}>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {text("raffles.picture")}
      </Typography>
      {raffle.picture && data && (
        <Box
          component="img"
          src={data.url}
          alt={raffle.prize || raffle.title}
          referrerPolicy="no-referrer"
          sx={{ maxWidth: "100%", maxHeight: 260, borderRadius: 1, display: "block", mb: 1 }}
        />
      )}
      {failure !== null && <Complaint failure={failure} />}
      {may("manager") && (
        <>
          <input
            ref={input}
            type="file"
            accept="image/jpeg,image/png"
            hidden
            data-testid="picture"
            aria-label={text("raffles.picture_add")}
            onChange={(event) => {
              void upload(event.target.files?.[0]);
              event.target.value = "";
            }}
          />
          <Typography variant="body2" sx={{ color: "text.secondary", mb: 1 }}>
            {text("raffles.picture_help")}
          </Typography>
          <Button variant="outlined" loading={busy} onClick={() => input.current?.click()}>
            {text("raffles.picture_add")}
          </Button>
          {raffle.picture && (
            <Button onClick={() => setRemoving(true)}>{text("raffles.picture_remove")}</Button>
          )}
        </>
      )}
      <ActionDialog
        open={removing}
        onClose={() => setRemoving(false)}
        title={text("raffles.picture_remove")}
        confirm={text("raffles.picture_remove")}
        danger
        run={async () => {
          await request(path, { method: "DELETE", etag: raffle.etag });
          return text("raffles.done");
        }}
      />
    </Card>
  );
}
