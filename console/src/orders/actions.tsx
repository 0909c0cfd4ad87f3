/** What organisers do with an order. Which of it a rule allows is the API's answer; the status only hides dead ends. */
import BlockIcon from "@mui/icons-material/BlockOutlined";
import CheckIcon from "@mui/icons-material/Check";
import CurrencyExchangeIcon from "@mui/icons-material/CurrencyExchangeOutlined";
import ReplayIcon from "@mui/icons-material/ReplayOutlined";
import UndoIcon from "@mui/icons-material/UndoOutlined";
import { Box, Button, Checkbox, Chip, FormControlLabel, TextField } from "@mui/material";
import { type ReactNode, useState } from "react";
import type { Order, OrderStatus } from "../api/types";
import { post } from "../api/useApi";
import { ActionDialog } from "../components/ActionDialog";
import { type TextKey, useText } from "../i18n";
import { useMay } from "../permissions";

export type OrderAction = "confirm" | "reject" | "cancel" | "refund" | "reassign";

const PATHS: Record<OrderAction, string> = {
  confirm: "confirm-payment",
  reject: "reject-proof",
  cancel: "cancel",
  refund: "refund",
  reassign: "reassign",
};
const ICONS: Record<OrderAction, ReactNode> = {
  confirm: <CheckIcon />,
  reject: <UndoIcon />,
  cancel: <BlockIcon />,
  refund: <CurrencyExchangeIcon />,
  reassign: <ReplayIcon />,
};
const OFFERED: Record<OrderStatus, OrderAction[]> = {
  DRAFT: ["confirm", "cancel"],
  PENDING_PAYMENT: ["confirm", "cancel"],
  IN_REVIEW: ["confirm", "reject", "cancel"],
  PAID: ["refund"],
  EXPIRED: ["reassign", "refund"],
  CANCELLED: ["reassign", "refund"],
  LATE: ["reassign", "refund"],
  REFUNDED: [],
};
const REASONS: TextKey[] = [
  "actions.reasons.amount",
  "actions.reasons.not_arrived",
  "actions.reasons.unreadable",
  "actions.reasons.used",
  "actions.reasons.other",
];

export function OrderActions({ order }: { order: Order }) {
  const text = useText();
  const may = useMay();
  const [action, setAction] = useState<OrderAction | null>(null);
  if (!may("cashier")) return null;
  return (
    <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap" }}>
      {OFFERED[order.status].map((one, at) => (
        <Button
          key={one}
          variant={at === 0 ? "contained" : "outlined"}
          startIcon={ICONS[one]}
          onClick={() => setAction(one)}
        >
          {text(`actions.${one}`)}
        </Button>
      ))}
      <OrderActionDialog order={order} action={action} onClose={() => setAction(null)} />
    </Box>
  );
}

interface DialogProps {
  order: Order;
  action: OrderAction | null;
  onClose: () => void;
  onDone?: () => void;
}

/** Asks for what an action needs: a reason, or numbers. */
export function OrderActionDialog({ order, action, onClose, onDone }: DialogProps) {
  const text = useText();
  const [reason, setReason] = useState("");
  const [numbers, setNumbers] = useState("");
  const [random, setRandom] = useState(false);
  const [paid, setPaid] = useState(true);
  // While it closes, the dialog shows what it was about.
  const [shown, setShown] = useState<OrderAction>("confirm");
  if (action !== null && action !== shown) {
    setShown(action);
    setReason("");
  }
  // A digit alone stands for one of the reasons above the field.
  const chosenReason = (typed: string) => {
    const key = shown === "reject" ? REASONS[Number(typed) - 1] : undefined;
    return key ? text(key) : typed;
  };
  const wanted = numbers
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(Number);
  const needsReason = shown === "reject" || shown === "refund";
  const ready =
    (!needsReason || reason.trim() !== "") &&
    (shown !== "reassign" || random || (wanted.length > 0 && wanted.every(Number.isInteger)));

  const run = async () => {
    const bodies: Record<OrderAction, unknown> = {
      confirm: undefined,
      cancel: undefined,
      reject: { reason: reason.trim(), proof: order.proof?.sha256 ?? null },
      refund: { reason: reason.trim() },
      reassign: { numbers: random ? null : wanted, random, paid },
    };
    await post(`/orders/${order.id}/${PATHS[shown]}`, { body: bodies[shown], etag: order.etag });
    return text(`actions.done_${shown}`, { code: order.id });
  };
  return (
    <ActionDialog
      open={action !== null}
      onClose={onClose}
      onDone={onDone}
      title={`${text(`actions.${shown}`)} · ${order.id}`}
      text={text(`actions.${shown}_text`)}
      confirm={text(`actions.${shown}`)}
      danger={shown === "cancel" || shown === "refund"}
      ready={ready}
      run={run}
    >
      {needsReason ? (
        <Box sx={{ display: "grid", gap: 1.5 }}>
          {shown === "reject" && (
            <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1 }}>
              {REASONS.map((key, at) => (
                <Chip
                  key={key}
                  label={`${at + 1} · ${text(key)}`}
                  onClick={() => setReason(text(key))}
                  color={reason === text(key) ? "primary" : "default"}
                  sx={{ minHeight: 44, borderRadius: 22 }}
                />
              ))}
            </Box>
          )}
          <TextField
            label={text("actions.reason")}
            helperText={text("actions.reason_help")}
            value={reason}
            onChange={(event) => setReason(chosenReason(event.target.value))}
            autoFocus
            slotProps={{ htmlInput: { maxLength: 200 } }}
          />
        </Box>
      ) : shown === "reassign" ? (
        <Box sx={{ display: "grid", gap: 1 }}>
          <TextField
            label={text("actions.numbers")}
            value={numbers}
            onChange={(event) => setNumbers(event.target.value)}
            disabled={random}
            slotProps={{ htmlInput: { inputMode: "numeric" } }}
          />
          <FormControlLabel
            control={<Checkbox checked={random} onChange={(_, on) => setRandom(on)} />}
            label={text("actions.random")}
          />
          <FormControlLabel
            control={<Checkbox checked={paid} onChange={(_, on) => setPaid(on)} />}
            label={text("actions.paid")}
          />
        </Box>
      ) : undefined}
    </ActionDialog>
  );
}
