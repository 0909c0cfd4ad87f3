/** What is to be thought of before a raffle goes on sale. The API says what blocks; nothing is decided here. */
import CheckCircleIcon from "@mui/icons-material/CheckCircleOutlined";
import ErrorIcon from "@mui/icons-material/ErrorOutlined";
import RadioButtonUncheckedIcon from "@mui/icons-material/RadioButtonUnchecked";
import { Box, Button, Card, Chip, Typography } from "@mui/material";
import { useState } from "react";
import type { Raffle } from "../api/types";
import { useApi } from "../api/useApi";
import { Failed, Loading } from "../components/states";
import { type TextKey, useText } from "../i18n";
import en from "../i18n/en";
import { useMay } from "../permissions";
import { type Move, MoveDialog } from "./moves";

interface Check {
  code: string;
  severity: "blocks" | "warns" | "advises";
  is_done: boolean;
  text: string;
}

export function Checklist({ raffle }: { raffle: Raffle }) {
  const text = useText();
  const may = useMay();
  const [move, setMove] = useState<Move | null>(null);
  const { data, error, refetch } = useApi<{ can_activate: boolean; checks: Check[] }>(
    `/raffles/${raffle.id}/checklist`,
  );
  return (
    <Card component="section" sx={{ p: 2 }}>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {text("raffles.checklist")}
      </Typography>
      {error ? <Failed error={error} onRetry={() => refetch()} /> : !data && <Loading />}
      <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0, display: "grid", gap: 0.5 }}>
        {data?.checks.map((check) => (
          <Box
            component="li"
            key={check.code}
            sx={{ display: "flex", gap: 1, alignItems: "center", minHeight: 32 }}
          >
            <Sign check={check} />
            <span>{check.code in en.checks ? text(`checks.${check.code}` as TextKey) : check.text}</span>
            {!check.is_done && (
              <Chip
                size="small"
                variant="outlined"
                color={
                  check.severity === "blocks" ? "error" : check.severity === "warns" ? "warning" : "default"
                }
                label={text(`severity.${check.severity}`)}
              />
            )}
          </Box>
        ))}
      </Box>
      {may("manager") && (
        <Button
          variant="contained"
          sx={{ mt: 1.5 }}
          disabled={!data?.can_activate}
          onClick={() => setMove("activate")}
        >
          {text("raffles.activate")}
        </Button>
      )}
      <MoveDialog raffle={raffle} move={move} onClose={() => setMove(null)} />
    </Card>
  );
}

function Sign({ check }: { check: Check }) {
  const text = useText();
  if (check.is_done) return <CheckCircleIcon color="success" titleAccess={text("app.yes")} />;
  if (check.severity === "blocks") return <ErrorIcon color="error" titleAccess={text("app.no")} />;
  return <RadioButtonUncheckedIcon color="disabled" titleAccess={text("app.no")} />;
}
