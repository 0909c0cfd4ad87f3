/** One order: what it is about, what happened, and what can be done. */
import WarningIcon from "@mui/icons-material/WarningAmberOutlined";
import { Alert, Box, Card, Tab, Tabs, Link as TextLink, Typography } from "@mui/material";
import { useState } from "react";
import { useGetOne } from "react-admin";
import { Link, useParams } from "react-router-dom";
import type { Contact, Order, Raffle } from "../api/types";
import { Screen } from "../components/Screen";
import { Failed, Loading } from "../components/states";
import { Facts, Money, OrderStatusChip, When } from "../components/values";
import { padded } from "../format";
import { useText } from "../i18n";
import { ProofViewer } from "../proofs/ProofViewer";
import { filesOf, useProofs } from "../proofs/useProofs";
import { OrderActions } from "./actions";
import { Timeline } from "./Timeline";

export default function OrderShow() {
  const text = useText();
  const { id = "" } = useParams();
  const { data: order, error, refetch } = useGetOne<Order>("orders", { id });
  const { data: raffle } = useGetOne<Raffle>(
    "raffles",
    { id: order?.raffle ?? "" },
    { enabled: Boolean(order) },
  );
  const { data: contact } = useGetOne<Contact>(
    "contacts",
    { id: order?.contact ?? "" },
    { enabled: Boolean(order) },
  );
  const name = `${text("resources.orders.name", { smart_count: 1 })} ${id}`;
  if (error)
    return (
      <Screen title={name} name={name}>
        <Failed error={error} onRetry={() => refetch()} />
      </Screen>
    );
  if (!order)
    return (
      <Screen title={name} name={name}>
        <Loading />
      </Screen>
    );
  const last = raffle?.last_number ?? Math.max(0, ...order.numbers);
  const zone = raffle?.time_zone;
  const facts: [string, React.ReactNode][] = [
    [
      text("orders.buyer"),
      <TextLink key="buyer" component={Link} to={`/contacts/${order.contact}/show`}>
        {contact?.name || contact?.phone || text("orders.no_name")}
      </TextLink>,
    ],
    [
      text("orders.raffle"),
      <TextLink key="raffle" component={Link} to={`/raffles/${order.raffle}/show`}>
        {raffle?.title ?? order.raffle}
      </TextLink>,
    ],
    [text("orders.numbers"), order.numbers.map((number) => padded(number, last)).join(", ")],
    [
      text("orders.amount"),
      <span key="amount">
        <strong>
          <Money amount={order.amount} currency={order.currency} />
        </strong>{" "}
        ({order.quantity} × <Money amount={order.unit_amount} currency={order.currency} />)
      </span>,
    ],
    [text("orders.created"), <When key="created" at={order.created_at} zone={zone} />],
  ];
  if (order.reserved_until)
    facts.push([text("orders.held_until"), <When key="until" at={order.reserved_until} zone={zone} />]);
  if (order.in_review_since)
    facts.push([text("orders.reviewed_since"), <When key="since" at={order.in_review_since} zone={zone} />]);
  if (order.paid_at) facts.push([text("orders.paid_at"), <When key="paid" at={order.paid_at} zone={zone} />]);
  return (
    <Screen
      name={name}
      title={
        <>
          {name} <OrderStatusChip status={order.status} />
        </>
      }
      actions={<OrderActions order={order} />}
    >
      <Box
        sx={{
          display: "grid",
          gap: 2,
          gridTemplateColumns: { xs: "minmax(0, 1fr)", md: "minmax(0, 1fr) minmax(0, 1fr)" },
        }}
      >
        <Box sx={{ display: "grid", gap: 2, alignContent: "start" }}>
          <Card sx={{ p: 2 }}>
            <Facts facts={facts} />
          </Card>
          <Notes order={order} />
          <Timeline order={order} zone={zone} />
        </Box>
        <Proofs order={order} />
      </Box>
    </Screen>
  );
}

function Notes({ order }: { order: Order }) {
  const text = useText();
  const notes: string[] = [];
  if (order.rejected_reason) notes.push(text("orders.rejected", { reason: order.rejected_reason }));
  if (order.refund_reason) notes.push(text("orders.refunded", { reason: order.refund_reason }));
  if (order.hold_was_over) notes.push(text("orders.hold_was_over"));
  return notes.map((note) => (
    <Alert key={note} severity="info">
      {note}
    </Alert>
  ));
}

function Proofs({ order }: { order: Order }) {
  const text = useText();
  const [at, setAt] = useState(0);
  const { data, error, refetch } = useProofs(order.id, order.proof !== null);
  if (order.proof === null)
    return <Typography sx={{ color: "text.secondary", p: 2 }}>{text("orders.no_proof")}</Typography>;
  if (error) return <Failed error={error} onRetry={() => refetch()} />;
  if (!data) return <Loading />;
  const files = filesOf(data);
  const file = files[at] ?? data;
  const twin = file.same_file_as ?? file.looks_like;
  return (
    <Box component="section" aria-label={text("orders.proof")}>
      {files.length > 1 && (
        <Tabs value={at} onChange={(_, wanted: number) => setAt(wanted)} variant="scrollable">
          {files.map((one, n) => (
            <Tab
              key={one.sha256 + one.received_at}
              label={text("review.file_n", { n: n + 1, all: files.length })}
            />
          ))}
        </Tabs>
      )}
      {twin && (
        <Alert severity="error" icon={<WarningIcon />} sx={{ mb: 1 }}>
          {text(file.same_file_as ? "review.same_file" : "review.looks_like", { order: twin })}{" "}
          <TextLink component={Link} to={`/orders/${twin}/show`} color="inherit">
            {text("app.open")}
          </TextLink>
        </Alert>
      )}
      <ProofViewer
        key={file.sha256}
        url={file.url}
        mimeType={file.mime_type}
        label={text("review.proof_of", { code: order.id })}
        height="60dvh"
      />
    </Box>
  );
}
