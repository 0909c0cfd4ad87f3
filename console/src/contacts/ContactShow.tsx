/** One person: what they are about, the chat with them, and what can be done for them. */
import { Alert, Box, Button, Card, TextField, Link as TextLink, Typography } from "@mui/material";
import { useState } from "react";
import { useGetList, useGetOne } from "react-admin";
import { Link, useParams } from "react-router-dom";
import { request } from "../api/client";
import type { Contact, Order } from "../api/types";
import { post, useApi } from "../api/useApi";
import { ActionDialog } from "../components/ActionDialog";
import { Screen } from "../components/Screen";
import { Failed, Loading } from "../components/states";
import { Facts, Money, OrderStatusChip, When } from "../components/values";
import { useText } from "../i18n";
import { useMay } from "../permissions";
import { Chat } from "./Chat";
import { Badges, LANGUAGE } from "./ContactList";

export default function ContactShow() {
  const text = useText();
  const { id = "" } = useParams();
  const { data: contact, error, refetch } = useGetOne<Contact>("contacts", { id });
  const name = contact ? contact.name || contact.phone || text("orders.no_name") : text("menu.contacts");
  return (
    <Screen
      name={name}
      title={
        <>
          {name} {contact && <Badges contact={contact} />}
        </>
      }
      actions={contact && !contact.erased_at && <Actions contact={contact} />}
    >
      {error ? (
        <Failed error={error} onRetry={() => refetch()} />
      ) : !contact ? (
        <Loading />
      ) : (
        <Box
          sx={{
            display: "grid",
            gap: 2,
            alignItems: "start",
            gridTemplateColumns: { xs: "minmax(0, 1fr)", md: "minmax(0, 1fr) 320px" },
          }}
        >
          <Chat contact={contact} />
          <Box sx={{ display: "grid", gap: 2 }}>
            <Card sx={{ p: 2 }}>
              <Facts
                facts={[
                  [text("contacts.phone"), contact.phone ?? "–"],
                  [text("contacts.language"), LANGUAGE[contact.language]],
                  [text("contacts.state"), text(`contacts.states.${contact.state}`)],
                  [text("contacts.last"), <When key="last" at={contact.last_heard_at} />],
                ]}
              />
              {contact.context.order && (
                <TextLink
                  component={Link}
                  to={`/orders/${contact.context.order}/show`}
                  sx={{ display: "block", py: 1 }}
                >
                  {text("contacts.context")}: {contact.context.order}
                </TextLink>
              )}
            </Card>
            <Orders contact={contact} />
          </Box>
        </Box>
      )}
    </Screen>
  );
}

function Orders({ contact }: { contact: Contact }) {
  const text = useText();
  const { data } = useGetList<Order>("orders", {
    filter: { contact: contact.id },
    pagination: { page: 1, perPage: 20 },
  });
  return (
    <Card component="section" sx={{ p: 2 }}>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {text("contacts.orders")}
      </Typography>
      {data?.length === 0 && (
        <Typography sx={{ color: "text.secondary" }}>{text("contacts.no_orders")}</Typography>
      )}
      {data?.map((order) => (
        <Box
          key={order.id}
          sx={{ display: "flex", gap: 1, alignItems: "center", flexWrap: "wrap", minHeight: 44 }}
        >
          <TextLink component={Link} to={`/orders/${order.id}/show`}>
            {order.id}
          </TextLink>
          <OrderStatusChip status={order.status} />
          <Box sx={{ ml: "auto" }}>
            <Money amount={order.amount} currency={order.currency} />
          </Box>
        </Box>
      ))}
    </Card>
  );
}

type Act = "pause" | "resume" | "answered" | "block" | "unblock";
const CHANGES: Record<Act, object> = {
  pause: { bot_paused: true },
  resume: { bot_paused: false },
  answered: { person_wanted_at: null },
  block: { blocked: true },
  unblock: { blocked: false },
};

function Actions({ contact }: { contact: Contact }) {
  const text = useText();
  const may = useMay();
  const [act, setAct] = useState<Act | null>(null);
  const [erasing, setErasing] = useState(false);
  const [shown, setShown] = useState<Act>("pause");
  if (act && act !== shown) setShown(act);
  if (!may("cashier")) return null;
  const acts: Act[] = [
    ...(contact.person_wanted_at ? (["answered"] as const) : []),
    contact.bot_paused ? "resume" : "pause",
    contact.blocked_at ? "unblock" : "block",
  ];
  return (
    <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap" }}>
      {acts.map((one) => (
        <Button key={one} variant={one === "answered" ? "contained" : "outlined"} onClick={() => setAct(one)}>
          {text(`contacts.${one}`)}
        </Button>
      ))}
      {may("manager") && (
        <Button color="error" onClick={() => setErasing(true)}>
          {text("contacts.erase")}
        </Button>
      )}
      <ActionDialog
        open={act !== null}
        onClose={() => setAct(null)}
        title={text(`contacts.${shown}`)}
        text={shown === "block" ? text("contacts.block_text") : undefined}
        confirm={text(`contacts.${shown}`)}
        danger={shown === "block"}
        run={async () => {
          const options = { method: "PATCH", body: CHANGES[shown], etag: contact.etag };
          await request(`/contacts/${contact.id}`, options);
          return text("raffles.done");
        }}
      />
      <EraseDialog contact={contact} open={erasing} onClose={() => setErasing(false)} />
    </Box>
  );
}

/** What an erasure would do. */
interface Erasure {
  can_erase: boolean;
  unsettled: string[];
  orders: number;
  files: number;
}

function EraseDialog({ contact, open, onClose }: { contact: Contact; open: boolean; onClose: () => void }) {
  const text = useText();
  const [word, setWord] = useState("");
  const { data, error, refetch } = useApi<Erasure>(
    open ? `/contacts/${contact.id}/erasure` : null,
    undefined,
    {
      staleTime: 0,
    },
  );
  return (
    <ActionDialog
      open={open}
      onClose={onClose}
      danger
      title={text("contacts.erase_title", { name: contact.name || contact.phone || "" })}
      confirm={text("contacts.erase")}
      ready={data?.can_erase === true && word.trim().toUpperCase() === text("contacts.erase_confirm")}
      run={async () => {
        const { data } = await post<{ finished: boolean }>(`/contacts/${contact.id}/erase`);
        return text(data.finished ? "contacts.erase_done" : "contacts.erase_again");
      }}
    >
      <Box sx={{ display: "grid", gap: 1.5 }}>
        {error ? <Failed error={error} onRetry={() => refetch()} /> : !data && <Loading />}
        {data && !data.can_erase && (
          <Alert severity="warning">
            {text("problems.contact_has_orders")}{" "}
            {data.unsettled.map((code) => (
              <TextLink key={code} component={Link} to={`/orders/${code}/show`} sx={{ mr: 1 }}>
                {code}
              </TextLink>
            ))}
          </Alert>
        )}
        <Typography>{text("contacts.erase_goes", { files: data?.files ?? "…" })}</Typography>
        <Typography>{text("contacts.erase_stays", { orders: data?.orders ?? "…" })}</Typography>
        <Typography sx={{ fontWeight: 650 }}>{text("contacts.erase_final")}</Typography>
        <TextField
          label={text("contacts.erase_word")}
          value={word}
          onChange={(event) => setWord(event.target.value)}
          autoComplete="off"
        />
      </Box>
    </ActionDialog>
  );
}
