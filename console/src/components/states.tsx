/** What a screen shows while it has nothing to show: loading, empty, failed, forbidden. Each says what to do. */
import { Alert, AlertTitle, Box, Button, CircularProgress, Typography } from "@mui/material";
import type { ReactNode } from "react";
import { Problem } from "../api/client";
import { useText } from "../i18n";
import { explain } from "../i18n/problem";

export function Loading() {
  const text = useText();
  return (
    <Box role="status" sx={{ display: "grid", placeItems: "center", minHeight: 160 }}>
      <CircularProgress aria-label={text("app.loading")} />
    </Box>
  );
}

export function Empty({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <Box sx={{ textAlign: "center", py: 6, px: 2 }}>
      <Typography sx={{ color: "text.secondary", mb: action ? 2 : 0 }}>{children}</Typography>
      {action}
    </Box>
  );
}

export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const text = useText();
  const forbidden = error instanceof Problem && error.code === "role_not_allowed";
  return (
    <Alert severity={forbidden ? "info" : "error"}>
      <AlertTitle>{text(forbidden ? "problems.forbidden_title" : "problems.error_title")}</AlertTitle>
      {explain(error, text)}
      {onRetry && !forbidden && (
        <Box>
          <Button color="inherit" variant="outlined" onClick={onRetry} sx={{ mt: 1 }}>
            {text("app.retry")}
          </Button>
        </Box>
      )}
    </Alert>
  );
}
