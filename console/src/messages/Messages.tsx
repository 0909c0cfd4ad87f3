/** What did not arrive, and what could not be handled: why, and once more. */
import {
  Box,
  Button,
  Chip,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  Tab,
  Tabs,
} from "@mui/material";
import { useState } from "react";
import { ListBase, useGetMany, useListContext } from "react-admin";
import { useSearchParams } from "react-router-dom";
import type { Contact, DeliveryState } from "../api/types";
import { post, useApi } from "../api/useApi";
import { ActionDialog } from "../components/ActionDialog";
import { Collection } from "../components/Collection";
import { ListBody } from "../components/ListScreen";
import { Screen } from "../components/Screen";
import { Failed, Loading } from "../components/states";
import { When } from "../components/values";
import { useText } from "../i18n";
import { useMay } from "../permissions";

interface Undelivered {
  id: string;
  contact: string;
  state: DeliveryState;
  error_code: number | null;
  template: string | null;
  created_at: string;
}

interface Letter {
  id: string;
  received_at: string;
  tries: number;
  kind: string;
  reason: string;
}

export default function Messages() {
  const text = useText();
  const [search, setSearch] = useSearchParams();
  const tab = search.get("tab") === "letters" ? "letters" : "undelivered";
  return (
    <Screen title={text("messages.title")} name={text("messages.title")}>
      <Tabs value={tab} onChange={(_, one: string) => setSearch({ tab: one })} sx={{ mb: 2 }}>
        <Tab value="undelivered" label={text("messages.undelivered")} />
        <Tab value="letters" label={text("messages.letters")} />
      </Tabs>
      {tab === "undelivered" ? (
        <ListBase key={tab} resource="undelivered" perPage={50} disableSyncWithLocation disableAuthentication>
          <ListBody empty={text("empty.undelivered")}>
            <UndeliveredRows />
          </ListBody>
        </ListBase>
      ) : (
        <ListBase
          key={tab}
          resource="dead-letters"
          perPage={50}
          disableSyncWithLocation
          disableAuthentication
        >
          <ListBody empty={text("empty.letters")}>
            <LetterRows />
          </ListBody>
        </ListBase>
      )}
    </Screen>
  );
}

function UndeliveredRows() {
  const text = useText();
  const may = useMay();
  const { data = [] } = useListContext<Undelivered>();
  const { data: contacts } = useGetMany<Contact>("contacts", {
    ids: [...new Set(data.map((one) => one.contact))],
  });
  const [ids, setIds] = useState<string[]>([]);
  const [asking, setAsking] = useState(false);
  const chosen = ids.filter((id) => data.some((one) => one.id === id));
  const nameOf = (id: string) => {
    const contact = contacts?.find((one) => one?.id === id);
    return contact?.name || contact?.phone || text("orders.no_name");
  };
  const all = chosen.length === data.length;
  return (
    <>
      <Collection
        rows={data}
        label={text("messages.undelivered")}
        titleLabel={text("messages.to")}
        title={(one) => nameOf(one.contact)}
        to={(one) => `/contacts/${one.contact}/show`}
        badge={(one) => (
          <Chip size="small" variant="outlined" label={text(`contacts.states_of.${one.state}`)} />
        )}
        columns={[
          {
            label: text("messages.why"),
            value: (one) =>
              one.state === "WITHHELD"
                ? text("messages.withheld")
                : one.error_code === 131047
                  ? text("messages.no_template")
                  : one.error_code
                    ? text("messages.error", { code: one.error_code })
                    : "–",
          },
          { label: text("messages.when"), value: (one) => <When at={one.created_at} /> },
        ]}
        selection={
          may("cashier")
            ? {
                ids: chosen,
                toggle: (id) =>
                  setIds(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]),
                toggleAll: () => setIds(all ? [] : data.map((one) => one.id)),
                label: (id) =>
                  text("orders.select", { code: nameOf(data.find((one) => one.id === id)?.contact ?? "") }),
                labelAll: text("orders.select_all"),
              }
            : undefined
        }
      />
      {chosen.length > 0 && (
        <Button variant="contained" sx={{ mt: 2 }} onClick={() => setAsking(true)}>
          {text("messages.send_again")} ({chosen.length})
        </Button>
      )}
      <ActionDialog
        open={asking}
        onClose={() => setAsking(false)}
        onDone={() => setIds([])}
        title={`${text("messages.send_again")} (${chosen.length})`}
        confirm={text("messages.send_again")}
        run={async () => {
          const { data: outcome } = await post<{ results: { outcome: string }[] }>(
            "/undelivered/send-again",
            {
              body: { ids: chosen },
            },
          );
          const count = outcome.results.filter((one) => one.outcome === "done").length;
          return text("messages.sent_again", { count });
        }}
      />
    </>
  );
}

function LetterRows() {
  const text = useText();
  const may = useMay();
  const { data = [] } = useListContext<Letter>();
  const [shown, setShown] = useState<string | null>(null);
  const [again, setAgain] = useState<string | null>(null);
  return (
    <>
      <Collection
        rows={data}
        label={text("messages.letters")}
        titleLabel={text("messages.why")}
        title={(letter) => letter.reason}
        columns={[
          { label: text("messages.kind"), value: (letter) => letter.kind },
          { label: text("messages.when"), value: (letter) => <When at={letter.received_at} /> },
          {
            label: text("messages.tried"),
            value: (letter) => text("messages.tries", { smart_count: letter.tries }),
          },
        ]}
        actions={
          may("manager")
            ? (letter) => (
                <Box sx={{ display: "flex", gap: 1, justifyContent: "flex-end", flexWrap: "wrap" }}>
                  <Button onClick={() => setShown(letter.id)}>{text("messages.show_body")}</Button>
                  <Button variant="outlined" onClick={() => setAgain(letter.id)}>
                    {text("messages.replay")}
                  </Button>
                </Box>
              )
            : undefined
        }
      />
      {shown && <LetterDialog id={shown} onClose={() => setShown(null)} />}
      <ActionDialog
        open={again !== null}
        onClose={() => setAgain(null)}
        title={text("messages.replay")}
        text={text("messages.replay_text")}
        confirm={text("messages.replay")}
        run={async () => {
          await post(`/dead-letters/${again}/replay`);
          return text("messages.replayed");
        }}
      />
    </>
  );
}

function LetterDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const text = useText();
  const { data, error, refetch } = useApi<Letter & { body: string }>(`/dead-letters/${id}`);
  return (
    <Dialog open onClose={onClose} aria-labelledby="letter" fullWidth maxWidth="md">
      <DialogTitle id="letter">{text("messages.body")}</DialogTitle>
      <DialogContent>
        {error ? (
          <Failed error={error} onRetry={() => refetch()} />
        ) : data ? (
          <Box
            component="pre"
            tabIndex={0}
            sx={{ m: 0, whiteSpace: "pre-wrap", overflowWrap: "anywhere", fontSize: 13 }}
          >
            {data.body}
          </Box>
        ) : (
          <Loading />
        )}
      </DialogContent>
      <DialogActions>
        <Button onClick={onClose} autoFocus>
          {text("app.close")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
