/** A bank's file: each payment with its order, or why there is none. Nothing is confirmed by itself. */
import UploadFileIcon from "@mui/icons-material/UploadFileOutlined";
import { Alert, Box, Button, Card, Chip, Link as TextLink, Typography } from "@mui/material";
import { type DragEvent, useRef, useState } from "react";
import { useGetOne, useLocale } from "react-admin";
import { Link } from "react-router-dom";
import type { Order, OrderStatus } from "../api/types";
import { post } from "../api/useApi";
import { Complaint } from "../components/ActionDialog";
import { Empty, Loading } from "../components/states";
import { Money, OrderStatusChip } from "../components/values";
import { regionOf } from "../format";
import { type TextKey, useText } from "../i18n";
import en from "../i18n/en";
import { OrderActionDialog } from "../orders/actions";
import { BulkDialog } from "../orders/BulkBar";
import { useMay } from "../permissions";

interface Meant {
  id: string;
  status: OrderStatus;
  amount: number;
  currency: string;
}

interface Payment {
  line: number;
  date: string;
  amount: number;
  currency: string;
  text: string;
  sure: boolean;
  orders: Meant[];
  reasons: { code: string; text: string }[];
  suggestions: { order: string; buyer: string }[];
}

interface Settlement {
  summary: { credits: number; sure: number; unsure: number; elsewhere: number; is_complete: boolean };
  sure_ids: string[];
  payments: Payment[];
  returned: { line: number; text: string; orders: Meant[] }[];
}

const ACCEPTED = ".csv,.txt,.ofx,.qfx,.xml,.sta,.940,.mt940";

export function Statement() {
  const text = useText();
  const may = useMay();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [found, setFound] = useState<Settlement | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [confirming, setConfirming] = useState(false);
  const [settling, setSettling] = useState<string | null>(null);

  const read = async (chosen: File | null) => {
    if (!chosen) return;
    setFile(chosen);
    setFound(null);
    setFailure(null);
    try {
      setFound((await post<Settlement>("/statements", { file: chosen })).data);
    } catch (problem) {
      setFailure(problem);
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    void read(event.dataTransfer.files[0] ?? null);
  };
  if (!may("cashier")) return <Alert severity="info">{text("problems.role_not_allowed")}</Alert>;
  const payments = found?.payments ?? [];
  const unsure = payments.filter((payment) => !payment.sure);
  const sure = payments.filter((payment) => payment.sure);
  return (
    <Box sx={{ display: "grid", gap: 2 }}>
      <Card
        onDrop={drop}
        onDragOver={(event: DragEvent) => event.preventDefault()}
        sx={{ p: 3, textAlign: "center", borderStyle: "dashed", borderWidth: 2 }}
      >
        <input
          ref={input}
          type="file"
          accept={ACCEPTED}
          hidden
          data-testid="statement"
          aria-label={text("money.choose")}
          onChange={(event) => {
            void read(event.target.files?.[0] ?? null);
            event.target.value = "";
          }}
        />
        <Typography sx={{ fontWeight: 650 }}>{text("money.drop")}</Typography>
        <Typography variant="body2" sx={{ color: "text.secondary", mb: 1.5 }}>
          {text("money.formats")}
        </Typography>
        <Button variant="outlined" startIcon={<UploadFileIcon />} onClick={() => input.current?.click()}>
          {text(found ? "money.another" : "money.choose")}
        </Button>
      </Card>
      {failure !== null && <Complaint failure={failure} />}
      {file && !found && failure === null && (
        <>
          <Typography>{text("money.reading", { name: file.name })}</Typography>
          <Loading />
        </>
      )}
      {found && (
        <>
          <Alert severity={found.summary.is_complete ? "info" : "warning"}>
            {text("money.summary", {
              credits: found.summary.credits,
              sure: found.summary.sure,
              unsure: found.summary.unsure,
              elsewhere: found.summary.elsewhere,
            })}{" "}
            {!found.summary.is_complete && text("money.incomplete")}
          </Alert>
          {payments.length === 0 && <Empty>{text("money.no_payments")}</Empty>}
          {found.sure_ids.length > 0 && (
            <Box>
              <Button variant="contained" onClick={() => setConfirming(true)}>
                {text("money.confirm_sure", { smart_count: found.sure_ids.length })}
              </Button>
            </Box>
          )}
          <Payments title={text("money.unsure")} payments={unsure} onSettle={setSettling} />
          <Payments title={text("money.sure")} payments={sure} onSettle={setSettling} />
          {found.returned.length > 0 && (
            <Card component="section" sx={{ p: 2 }}>
              <Typography variant="h2">{text("money.returned")}</Typography>
              {found.returned.map((one) => (
                <Typography key={one.line} sx={{ overflowWrap: "anywhere", py: 0.5 }}>
                  {text("money.line", { line: one.line })}: {one.text}{" "}
                  {one.orders.map((order) => (
                    <OrderLink key={order.id} id={order.id} />
                  ))}
                </Typography>
              ))}
            </Card>
          )}
        </>
      )}
      <BulkDialog
        ids={found?.sure_ids ?? []}
        action={confirming ? "confirm" : null}
        onClose={() => setConfirming(false)}
        onDone={() => void read(file)}
      />
      {settling && (
        <Settle code={settling} onClose={() => setSettling(null)} onDone={() => void read(file)} />
      )}
    </Box>
  );
}

interface PaymentsProps {
  title: string;
  payments: Payment[];
  onSettle: (code: string) => void;
}

function Payments({ title, payments, onSettle }: PaymentsProps) {
  const text = useText();
  const locale = useLocale() ?? "en";
  if (payments.length === 0) return null;
  const day = new Intl.DateTimeFormat(regionOf(locale), { dateStyle: "medium", timeZone: "UTC" });
  const open = (status: OrderStatus) => ["DRAFT", "PENDING_PAYMENT", "IN_REVIEW"].includes(status);
  return (
    <Card component="section" sx={{ p: 2 }}>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {title} ({payments.length})
      </Typography>
      <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0 }}>
        {payments.map((payment) => (
          <Box
            component="li"
            key={`${payment.line}-${payment.text}`}
            sx={{ borderTop: 1, borderColor: "divider", py: 1.5, display: "grid", gap: 0.5 }}
          >
            <Box sx={{ display: "flex", gap: 1.5, flexWrap: "wrap", alignItems: "baseline" }}>
              <strong>
                <Money amount={payment.amount} currency={payment.currency} />
              </strong>
              <Typography variant="body2" sx={{ color: "text.secondary" }}>
                {day.format(new Date(payment.date))} · {text("money.line", { line: payment.line })}
              </Typography>
            </Box>
            <Typography sx={{ overflowWrap: "anywhere" }}>{payment.text}</Typography>
            <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", alignItems: "center" }}>
              {payment.reasons.map((reason) => (
                <Chip
                  key={reason.code}
                  size="small"
                  color="warning"
                  variant="outlined"
                  label={
                    reason.code in en.money.why ? text(`money.why.${reason.code}` as TextKey) : reason.text
                  }
                />
              ))}
              {payment.orders.map((order) => (
                <Box key={order.id} sx={{ display: "flex", gap: 1, alignItems: "center", flexWrap: "wrap" }}>
                  <OrderLink id={order.id} />
                  <OrderStatusChip status={order.status} />
                  <Money amount={order.amount} currency={order.currency} />
                  {!payment.sure && open(order.status) && (
                    <Button variant="outlined" onClick={() => onSettle(order.id)}>
                      {text("actions.confirm")}
                    </Button>
                  )}
                </Box>
              ))}
              {payment.suggestions.map((one) => (
                <TextLink key={one.order} component={Link} to={`/orders/${one.order}/show`} sx={{ py: 1 }}>
                  {text("money.suggestion", { order: one.order, buyer: one.buyer })}
                </TextLink>
              ))}
            </Box>
          </Box>
        ))}
      </Box>
    </Card>
  );
}

function OrderLink({ id }: { id: string }) {
  return (
    <TextLink component={Link} to={`/orders/${id}/show`} sx={{ fontWeight: 650, py: 1 }}>
      {id}
    </TextLink>
  );
}

/** Confirm one order of the statement: in the version that is read now. */
function Settle({ code, onClose, onDone }: { code: string; onClose: () => void; onDone: () => void }) {
  const { data } = useGetOne<Order>("orders", { id: code });
  if (!data) return null;
  return <OrderActionDialog order={data} action="confirm" onClose={onClose} onDone={onDone} />;
}
