/** What brings people to a raffle: a link to the chat, its QR code, and a poster. */
import PrintIcon from "@mui/icons-material/PrintOutlined";
import {
  Alert,
  Box,
  Button,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  GlobalStyles,
  Portal,
  TextField,
  Typography,
} from "@mui/material";
import { useState } from "react";
import { useLocale } from "react-admin";
import type { Raffle } from "../api/types";
import { useApi } from "../api/useApi";
import { QrCode } from "../components/QrCode";
import { Failed, Loading } from "../components/states";
import { moment, money } from "../format";
import { useText } from "../i18n";
import { chatLink } from "./chatLink";

export default function ShareDialog({ raffle, onClose }: { raffle: Raffle; onClose: () => void }) {
  const text = useText();
  const [copied, setCopied] = useState(false);
  const { data, error, refetch } = useApi<{ number: string | null }>("/number", undefined, {
    staleTime: Number.POSITIVE_INFINITY,
  });
  const link = data?.number ? chatLink(data.number, raffle.code) : null;
  return (
    <Dialog open onClose={onClose} aria-labelledby="share" fullWidth maxWidth="xs">
      <DialogTitle id="share">
        {text("raffles.share")} · {raffle.code}
      </DialogTitle>
      <DialogContent sx={{ display: "grid", gap: 2, justifyItems: "stretch" }}>
        {error ? (
          <Failed error={error} onRetry={() => refetch()} />
        ) : !data ? (
          <Loading />
        ) : !link ? (
          <Alert severity="warning">{text("raffles.link_missing")}</Alert>
        ) : (
          <>
            <Box sx={{ width: 220, mx: "auto" }}>
              <QrCode text={link} label={text("raffles.qr")} />
            </Box>
            <TextField
              label={text("raffles.link")}
              value={link}
              sx={{ mt: 1 }}
              slotProps={{ htmlInput: { readOnly: true } }}
              onFocus={(event) => event.target.select()}
            />
          </>
        )}
      </DialogContent>
      <DialogActions sx={{ flexWrap: "wrap" }}>
        <Button onClick={onClose}>{text("app.close")}</Button>
        {link && (
          <>
            <Button
              onClick={() =>
                navigator.clipboard.writeText(link).then(
                  () => setCopied(true),
                  () => {}, // the link can be copied from its field
                )
              }
            >
              {text(copied ? "app.copied" : "app.copy")}
            </Button>
            <Button variant="contained" startIcon={<PrintIcon />} onClick={() => window.print()}>
              {text("raffles.poster")}
            </Button>
            <Poster raffle={raffle} link={link} />
          </>
        )}
      </DialogActions>
    </Dialog>
  );
}

const PRINT = {
  "#poster": { display: "none" },
  "@media print": {
    "@page": { margin: "15mm" },
    "body > :not(#poster)": { display: "none !important" },
    "#poster": { display: "block", color: "#000", background: "#fff" },
  },
};

/** Nothing on the screen; all of the page on paper, or as a PDF. */
function Poster({ raffle, link }: { raffle: Raffle; link: string }) {
  const text = useText();
  const locale = useLocale() ?? "en";
  return (
    <Portal>
      <GlobalStyles styles={PRINT} />
      <Box id="poster" aria-hidden sx={{ textAlign: "center", fontFamily: "system-ui, sans-serif" }}>
        <Typography
          component="p"
          sx={{ fontSize: "34pt", fontWeight: 800, lineHeight: 1.15, overflowWrap: "anywhere" }}
        >
          {raffle.title}
        </Typography>
        <Typography component="p" sx={{ fontSize: "20pt", my: 2, overflowWrap: "anywhere" }}>
          {raffle.prize}
        </Typography>
        <Box sx={{ width: "95mm", mx: "auto", my: 2 }}>
          <QrCode text={link} label="" />
        </Box>
        <Typography component="p" sx={{ fontSize: "20pt", fontWeight: 700 }}>
          {text("raffles.poster_scan")} · {raffle.code}
        </Typography>
        <Typography component="p" sx={{ fontSize: "18pt" }}>
          {text("raffles.unit_amount")}: {money(raffle.unit_amount, raffle.currency, locale)}
        </Typography>
        {raffle.draws_at && (
          <Typography component="p" sx={{ fontSize: "18pt" }}>
            {text("raffles.draws_at")}: {moment(raffle.draws_at, locale, new Date(0), raffle.time_zone)}
          </Typography>
        )}
        {raffle.organiser && (
          <Typography component="p" sx={{ fontSize: "14pt", mt: 2 }}>
            {raffle.organiser.name}
          </Typography>
        )}
      </Box>
    </Portal>
  );
}
