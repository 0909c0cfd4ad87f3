/** The chat with a person as bubbles, and answering as a person. */
import DoneIcon from "@mui/icons-material/Done";
import DoneAllIcon from "@mui/icons-material/DoneAll";
import ErrorOutlineIcon from "@mui/icons-material/ErrorOutlineOutlined";
import ScheduleIcon from "@mui/icons-material/Schedule";
import SendIcon from "@mui/icons-material/Send";
import {
  Alert,
  Box,
  Button,
  Card,
  Checkbox,
  Dialog,
  DialogActions,
  FormControlLabel,
  TextField,
  Typography,
} from "@mui/material";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useLocale } from "react-admin";
import { newKey, request } from "../api/client";
import { cursorOf } from "../api/cursors";
import type { Contact, DeliveryState, Listed, Message } from "../api/types";
import { post } from "../api/useApi";
import { Complaint } from "../components/ActionDialog";
import { ChatText } from "../components/ChatText";
import { Empty, Failed, Loading } from "../components/states";
import { When } from "../components/values";
import { moment } from "../format";
import { useText } from "../i18n";
import { useMay } from "../permissions";
import { ProofViewer } from "../proofs/ProofViewer";

const REFRESH = 8_000;
const LENGTH = 4096; // characters of a text of WhatsApp

export function Chat({ contact }: { contact: Contact }) {
  const text = useText();
  const end = useRef<HTMLDivElement>(null);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["api", "messages", contact.id],
    queryFn: async ({ pageParam, signal }) => {
      const query = { page_size: 40, cursor: pageParam };
      return (await request<Listed<Message>>(`/contacts/${contact.id}/messages`, { query, signal })).data;
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => cursorOf(page.next),
    refetchInterval: REFRESH,
    refetchIntervalInBackground: false,
  });
  const messages = data?.pages.flatMap((page) => page.results).reverse() ?? [];
  const newest = messages.at(-1)?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new message is scrolled to
  useEffect(() => {
    const box = end.current?.parentElement;
    if (box) box.scrollTop = box.scrollHeight;
  }, [newest]);
  return (
    <Card
      component="section"
      aria-label={text("contacts.chat")}
      sx={{ display: "flex", flexDirection: "column" }}
    >
      <Box
        tabIndex={0}
        role="log"
        aria-label={text("contacts.chat")}
        sx={{
          height: { xs: "52dvh", md: "60dvh" },
          overflowY: "auto",
          p: 2,
          bgcolor: "action.hover",
          display: "flex",
          flexDirection: "column",
          gap: 1,
        }}
      >
        {hasNextPage && (
          <Button onClick={() => fetchNextPage()} loading={isFetchingNextPage} sx={{ alignSelf: "center" }}>
            {text("contacts.older")}
          </Button>
        )}
        {error ? (
          <Failed error={error} onRetry={() => refetch()} />
        ) : !data ? (
          <Loading />
        ) : (
          messages.length === 0 && <Empty>{text("contacts.no_messages")}</Empty>
        )}
        {messages.map((message) => (
          <Bubble key={message.id} message={message} contact={contact} />
        ))}
        <div ref={end} />
      </Box>
      <Writing contact={contact} />
    </Card>
  );
}

function Bubble({ message, contact }: { message: Message; contact: Contact }) {
  const text = useText();
  const ours = message.direction === "out";
  return (
    <Box
      sx={{
        alignSelf: ours ? "flex-end" : "flex-start",
        maxWidth: { xs: "88%", sm: "70%" },
        bgcolor: ours ? "primary.main" : "background.paper",
        color: ours ? "primary.contrastText" : "text.primary",
        borderRadius: 1.5,
        px: 1.5,
        py: 1,
      }}
    >
      {message.by && (
        <Typography variant="body2" sx={{ fontWeight: 650 }}>
          {message.by}
        </Typography>
      )}
      {message.text ? (
        <ChatText text={message.text} />
      ) : (
        <em>{text("contacts.file_of", { kind: message.kind })}</em>
      )}
      {message.has_file && <FileLink message={message} contact={contact} />}
      {message.choices.length > 0 && (
        <Typography variant="body2" sx={{ mt: 0.5 }}>
          [{message.choices.join("] [")}]
        </Typography>
      )}
      <Box sx={{ display: "flex", gap: 0.5, justifyContent: "flex-end", alignItems: "center" }}>
        <Typography variant="caption">
          <When at={message.at} />
        </Typography>
        {ours && message.state && <Ticks state={message.state} />}
      </Box>
      {message.state === "FAILED" && (
        <Typography variant="body2">
          {text("contacts.states_of.FAILED")} {message.error_code ? `(${message.error_code})` : ""}
        </Typography>
      )}
    </Box>
  );
}

const TICKS: Record<DeliveryState, typeof DoneIcon> = {
  PENDING: ScheduleIcon,
  UNKNOWN: ScheduleIcon,
  ACCEPTED: DoneIcon,
  SENT: DoneIcon,
  DELIVERED: DoneAllIcon,
  READ: DoneAllIcon,
  FAILED: ErrorOutlineIcon,
  WITHHELD: ErrorOutlineIcon,
};

function Ticks({ state }: { state: DeliveryState }) {
  const text = useText();
  const Icon = TICKS[state];
  return (
    <Icon
      fontSize="inherit"
      titleAccess={text(`contacts.states_of.${state}`)}
      opacity={state === "READ" ? 1 : 0.7}
    />
  );
}

/** What the page itself can show. Anything else is saved by the browser. */
const SHOWN = /^(image\/(jpeg|png|webp)|application\/pdf)$/;

function FileLink({ message, contact }: { message: Message; contact: Contact }) {
  const text = useText();
  const [failure, setFailure] = useState<unknown>(null);
  const [url, setUrl] = useState<string | null>(null);
  const kind = message.media ?? "";
  // The link lives minutes and the log records who asks, so it is asked for when it is wanted.
  const open = () => {
    setFailure(null);
    request<{ url: string }>(`/contacts/${contact.id}/messages/${message.id}/file`).then(
      ({ data }) => (SHOWN.test(kind) ? setUrl(data.url) : window.location.assign(data.url)),
      setFailure,
    );
  };
  const label = text("contacts.file_of", { kind: message.kind });
  return (
    <Box>
      <Button color="inherit" variant="outlined" onClick={open} sx={{ mt: 0.5 }}>
        {text("contacts.file")}
      </Button>
      {failure !== null && <Complaint failure={failure} />}
      {url && (
        <Dialog open onClose={() => setUrl(null)} aria-label={label} fullWidth maxWidth="md">
          <ProofViewer url={url} mimeType={kind} label={label} height="75dvh" keys />
          <DialogActions>
            <Button onClick={() => setUrl(null)} autoFocus>
              {text("app.close")}
            </Button>
          </DialogActions>
        </Dialog>
      )}
    </Box>
  );
}

function Writing({ contact }: { contact: Contact }) {
  const text = useText();
  const may = useMay();
  const locale = useLocale() ?? "en";
  const queries = useQueryClient();
  const key = useRef(newKey());
  const [words, setWords] = useState("");
  const [pause, setPause] = useState(true);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  if (!may("cashier") || contact.erased_at) return null;
  const open = contact.window_until !== null && Date.parse(contact.window_until) > Date.now();
  if (contact.opted_out) return <Alert severity="info">{text("problems.contact_opted_out")}</Alert>;
  if (!open) return <Alert severity="info">{text("contacts.window_closed")}</Alert>;
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      await post(`/contacts/${contact.id}/messages`, {
        body: { text: words, pause_bot: pause },
        once: key.current,
      });
      key.current = newKey();
      setWords("");
      await queries.invalidateQueries();
    } catch (problem) {
      setFailure(problem); // what was written stays, and trying again sends it once
    } finally {
      setBusy(false);
    }
  };
  return (
    <Box component="form" onSubmit={send} sx={{ p: 1.5, display: "grid", gap: 1 }}>
      {failure !== null && <Complaint failure={failure} typed />}
      <Box sx={{ display: "flex", gap: 1, alignItems: "flex-end" }}>
        <TextField
          label={text("contacts.write")}
          value={words}
          onChange={(event) => {
            setWords(event.target.value);
            key.current = newKey();
          }}
          multiline
          maxRows={6}
          slotProps={{ htmlInput: { maxLength: LENGTH } }}
        />
        <Button
          type="submit"
          variant="contained"
          endIcon={<SendIcon />}
          loading={busy}
          disabled={words.trim() === ""}
        >
          {text("contacts.send")}
        </Button>
      </Box>
      <FormControlLabel
        control={<Checkbox checked={pause} onChange={(_, on) => setPause(on)} />}
        label={text("contacts.pause_too")}
      />
      <Typography variant="body2" sx={{ color: "text.secondary" }}>
        {text("contacts.window", { when: moment(contact.window_until ?? "", locale) })}
      </Typography>
    </Box>
  );
}
