/** The queue of proofs: one after another, large, with what is expected beside it. By keyboard, or by thumb. */
import CheckIcon from "@mui/icons-material/Check";
import NavigateBeforeIcon from "@mui/icons-material/NavigateBefore";
import NavigateNextIcon from "@mui/icons-material/NavigateNext";
import UndoIcon from "@mui/icons-material/UndoOutlined";
import {
  Alert,
  Box,
  Button,
  Card,
  Paper,
  Tab,
  Tabs,
  Link as TextLink,
  Typography,
  useMediaQuery,
  useTheme,
} from "@mui/material";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useGetIdentity, useGetList, useGetOne } from "react-admin";
import { Link, useNavigate, useParams } from "react-router-dom";
import { request } from "../api/client";
import type { Listed, Order } from "../api/types";
import { useApi } from "../api/useApi";
import { Screen } from "../components/Screen";
import { Empty, Failed, Loading } from "../components/states";
import { Facts, Money, OrderStatusChip, When } from "../components/values";
import { useText } from "../i18n";
import { type OrderAction, OrderActionDialog } from "../orders/actions";
import { Numbers } from "../orders/OrderList";
import { useMay } from "../permissions";
import { isTyping, ProofViewer } from "../proofs/ProofViewer";
import { filesOf, preloadProof, useProofs } from "../proofs/useProofs";
import { step } from "./queue";

// Both on one line beside each other: the longer label takes the room that it needs.
const DECISION = { flex: "1 1 auto", whiteSpace: "nowrap", px: 1 };

const REFRESH = 15_000;
const PAGE = 100;
const OPEN = 60_000; // the API counts an order as open for two minutes

export default function Review() {
  const text = useText();
  const navigate = useNavigate();
  const { code } = useParams();
  const { identity } = useGetIdentity();
  const { data, error, refetch } = useApi<Listed<Order>>(
    "/orders/pending-payment",
    { expand: "raffle,contact", page_size: PAGE },
    { refetchInterval: REFRESH, refetchIntervalInBackground: false },
  );
  const queue = data?.results.filter((order) => order.status === "IN_REVIEW");
  const others = (order: Order) => order.reviewer !== null && order.reviewer !== identity?.fullName;
  const order = queue?.find((one) => one.id === code) ?? queue?.find((one) => !others(one)) ?? queue?.[0];

  const go = (to: Order | undefined) => navigate(to ? `/review/${to.id}` : "/review", { replace: true });
  return (
    <Screen
      name={text("review.title")}
      title={text("review.title")}
      actions={
        queue && order ? (
          <Typography sx={{ color: "text.secondary" }}>
            {text(data?.next ? "review.position_more" : "review.position", {
              at: queue.indexOf(order) + 1,
              all: queue.length,
            })}
          </Typography>
        ) : undefined
      }
    >
      {error ? (
        <Failed error={error} onRetry={() => refetch()} />
      ) : !queue ? (
        <Loading />
      ) : order ? (
        <Proof key={order.id} order={order} queue={queue} isOthers={others} go={go} />
      ) : (
        <Empty
          action={
            <Button component={Link} to="/orders">
              {text("menu.orders")}
            </Button>
          }
        >
          {text("review.empty")}
        </Empty>
      )}
    </Screen>
  );
}

interface Props {
  order: Order;
  queue: Order[];
  isOthers: (order: Order) => boolean;
  go: (to: Order | undefined) => void;
}

function Proof({ order: listed, queue, isOthers, go }: Props) {
  const text = useText();
  const may = useMay();
  const queries = useQueryClient();
  const isPhone = useMediaQuery(useTheme().breakpoints.down("md"), { noSsr: true });
  const [action, setAction] = useState<OrderAction | null>(null);
  const [file, setFile] = useState(0);
  const [compared, setCompared] = useState<string | null>(null);
  // The version on which a decision is based.
  const { data: read } = useGetOne<Order>("orders", { id: listed.id });
  const order: Order = { ...listed, etag: read?.etag };
  const { data: proofs, error, refetch } = useProofs(order.id);
  const files = proofs ? filesOf(proofs) : [];
  const shown = files[file] ?? files[0];
  const next = step(queue, listed, 1, isOthers);
  const previous = step(queue, listed, -1, isOthers);
  const nextCode = next?.id;
  const decides = may("cashier");
  const reviewer = useReview(order, decides);
  const twin = order.proof?.same_file_as ?? order.proof?.looks_like ?? null;

  useEffect(() => {
    if (nextCode) void preloadProof(queries, nextCode);
  }, [nextCode, queries]);

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      const key = event.key.toLowerCase();
      if (key === "c" && decides) setAction("confirm");
      else if (key === "r" && decides) setAction("reject");
      else if ((key === "n" || key === "arrowright") && next) go(next);
      else if ((key === "p" || key === "arrowleft") && previous) go(previous);
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  });

  const label = text("review.proof_of", { code: order.id });
  const height = { xs: compared ? "38dvh" : "46dvh", md: "calc(100dvh - 150px)" };
  const buttons = (
    <>
      {decides && (
        <Button
          variant="outlined"
          color="error"
          startIcon={<UndoIcon />}
          onClick={() => setAction("reject")}
          sx={DECISION}
        >
          {text(isPhone ? "actions.reject_short" : "actions.reject")}
        </Button>
      )}
      {decides && (
        <Button
          variant="contained"
          startIcon={<CheckIcon />}
          onClick={() => setAction("confirm")}
          sx={DECISION}
        >
          {text(isPhone ? "actions.confirm_short" : "actions.confirm")}
        </Button>
      )}
    </>
  );
  return (
    <Box
      sx={{
        display: "grid",
        gap: 2,
        gridTemplateColumns: { xs: "minmax(0, 1fr)", md: "minmax(0, 1fr) 380px" },
      }}
    >
      <Box
        sx={{
          display: "grid",
          gap: 1,
          alignContent: "start",
          gridTemplateColumns: {
            xs: "minmax(0, 1fr)",
            md: compared ? "minmax(0, 1fr) minmax(0, 1fr)" : "minmax(0, 1fr)",
          },
        }}
      >
        <Box sx={{ minWidth: 0 }}>
          {isPhone && <Expected order={order} />}
          {compared && <Typography sx={{ fontWeight: 650 }}>{label}</Typography>}
          {files.length > 1 && (
            <Tabs
              value={Math.min(file, files.length - 1)}
              onChange={(_, at: number) => setFile(at)}
              variant="scrollable"
            >
              {files.map((one, at) => (
                <Tab
                  key={one.sha256 + one.received_at}
                  label={text("review.file_n", { n: at + 1, all: files.length })}
                />
              ))}
            </Tabs>
          )}
          {error ? (
            <Failed error={error} onRetry={() => refetch()} />
          ) : shown ? (
            <ProofViewer
              key={shown.sha256}
              url={shown.url}
              mimeType={shown.mime_type}
              label={label}
              height={height}
              keys
            />
          ) : (
            <Loading />
          )}
        </Box>
        {compared && <OtherProof code={compared} height={height} />}
      </Box>
      <Box sx={{ display: "grid", gap: 1.5, alignContent: "start" }}>
        <Typography aria-live="polite" sx={VISUALLY_HIDDEN}>
          {label}
        </Typography>
        {reviewer && (
          <Alert severity="warning" role="status">
            {text("review.held_by", { name: reviewer })}
          </Alert>
        )}
        {twin && (
          <Alert
            severity="error"
            action={
              <Button color="inherit" onClick={() => setCompared(compared ? null : twin)}>
                {text(compared ? "app.close" : "review.compare")}
              </Button>
            }
          >
            {order.proof?.same_file_as
              ? text("review.same_file", { order: twin })
              : text("review.looks_like", { order: twin })}
          </Alert>
        )}
        <Card sx={{ p: 2 }}>
          {!isPhone && <Expected order={order} />}
          <Facts
            facts={[
              [
                text("review.buyer"),
                <TextLink key="buyer" component={Link} to={`/contacts/${order.contact}/show`}>
                  {order.expanded?.contact?.name || text("orders.no_name")}
                </TextLink>,
              ],
              [text("contacts.phone"), order.expanded?.contact?.phone ?? "–"],
              [text("orders.raffle"), order.expanded?.raffle?.title ?? "–"],
              [text("review.numbers"), <Numbers key="numbers" order={order} />],
              [text("orders.created"), <When key="created" at={order.created_at} />],
              [text("review.sent"), <When key="sent" at={order.in_review_since} />],
            ]}
          />
          {order.rejections > 0 && (
            <Alert severity="info" sx={{ mt: 1 }}>
              {text("orders.rejections", { smart_count: order.rejections })}: {order.rejected_reason}
            </Alert>
          )}
          {!isPhone && <Box sx={{ display: "flex", gap: 1, mt: 2 }}>{buttons}</Box>}
          {!isPhone && (
            <Box sx={{ display: "flex", mt: 1, gap: 1 }}>
              <Button startIcon={<NavigateBeforeIcon />} disabled={!previous} onClick={() => go(previous)}>
                {text("app.previous")}
              </Button>
              <Button endIcon={<NavigateNextIcon />} disabled={!next} onClick={() => go(next)}>
                {text("app.next")}
              </Button>
            </Box>
          )}
        </Card>
        <Typography variant="body2" sx={{ color: "text.secondary" }}>
          {text("review.note")}
        </Typography>
        <EarlierOrders order={order} />
        {!isPhone && decides && (
          <Typography variant="body2" sx={{ color: "text.secondary" }}>
            {text("review.keys")}
          </Typography>
        )}
      </Box>
      {isPhone && (
        <Paper
          elevation={8}
          square
          sx={{
            position: "fixed",
            insetInline: 0,
            bottom: "calc(60px + env(safe-area-inset-bottom))",
            zIndex: "appBar",
            p: 1,
            display: "flex",
            gap: 1,
          }}
        >
          {buttons}
          <Button
            variant="outlined"
            disabled={!next}
            onClick={() => go(next)}
            aria-label={text("app.next")}
            sx={{ minWidth: 44 }}
          >
            <NavigateNextIcon />
          </Button>
        </Paper>
      )}
      <OrderActionDialog
        order={order}
        action={action}
        onClose={() => setAction(null)}
        onDone={() => go(next)}
      />
    </Box>
  );
}

const VISUALLY_HIDDEN = {
  position: "absolute",
  width: "1px",
  height: "1px",
  overflow: "hidden",
  clipPath: "inset(50%)",
};

function Expected({ order }: { order: Order }) {
  const text = useText();
  return (
    <Box sx={{ display: "flex", gap: 3, mb: 1.5, alignItems: "baseline", flexWrap: "wrap" }}>
      <Box>
        <Typography variant="body2" sx={{ color: "text.secondary" }}>
          {text("review.expected")}
        </Typography>
        <Typography sx={{ fontSize: "1.5rem", fontWeight: 700 }}>
          <Money amount={order.amount} currency={order.currency} />
        </Typography>
      </Box>
      <Box>
        <Typography variant="body2" sx={{ color: "text.secondary" }}>
          {text("review.code")}
        </Typography>
        <TextLink
          component={Link}
          to={`/orders/${order.id}/show`}
          sx={{ fontSize: "1.25rem", fontWeight: 700 }}
        >
          {order.id}
        </TextLink>
      </Box>
    </Box>
  );
}

function OtherProof({ code, height }: { code: string; height: Record<string, string> }) {
  const text = useText();
  const { data, error, refetch } = useProofs(code);
  const label = text("review.other_proof", { order: code });
  return (
    <Box sx={{ minWidth: 0 }}>
      {error ? (
        <Failed error={error} onRetry={() => refetch()} />
      ) : data ? (
        <>
          <TextLink component={Link} to={`/orders/${code}/show`} sx={{ fontWeight: 650 }}>
            {label}
          </TextLink>
          <ProofViewer url={data.url} mimeType={data.mime_type} label={label} height={height} />
        </>
      ) : (
        <Loading />
      )}
    </Box>
  );
}

function EarlierOrders({ order }: { order: Order }) {
  const text = useText();
  const { data } = useGetList<Order>("orders", {
    filter: { contact: order.contact },
    pagination: { page: 1, perPage: 10 },
  });
  const earlier = data?.filter((one) => one.id !== order.id);
  if (!earlier) return null;
  return (
    <Card sx={{ p: 2 }} component="section">
      <Typography variant="h3" component="h2" sx={{ mb: 1 }}>
        {text("review.earlier_orders")}
      </Typography>
      {earlier.length === 0 && (
        <Typography sx={{ color: "text.secondary" }}>{text("review.no_earlier")}</Typography>
      )}
      {earlier.map((one) => (
        <Box
          key={one.id}
          sx={{ display: "flex", gap: 1, alignItems: "center", flexWrap: "wrap", minHeight: 44 }}
        >
          <TextLink component={Link} to={`/orders/${one.id}/show`}>
            {one.id}
          </TextLink>
          <OrderStatusChip status={one.status} />
          <Box sx={{ ml: "auto" }}>
            <Money amount={one.amount} currency={one.currency} />
          </Box>
        </Box>
      ))}
    </Card>
  );
}

/** Say that the order is open here, as long as it is. Return who else has it open. */
function useReview(order: Order, decides: boolean): string | null {
  const { identity } = useGetIdentity();
  const me = identity?.fullName;
  const [reviewer, setReviewer] = useState<string | null>(null);
  useEffect(() => {
    if (!decides) return;
    const path = `/orders/${order.id}/review`;
    const open = () =>
      request<{ reviewer: string }>(path, { method: "PUT", body: {} }).then(
        ({ data }) => setReviewer(data.reviewer),
        () => {}, // a courtesy: deciding works without
      );
    void open();
    const timer = setInterval(() => document.visibilityState === "visible" && void open(), OPEN);
    return () => {
      clearInterval(timer);
      request(path, { method: "DELETE" }).catch(() => {});
    };
  }, [order.id, decides]);
  const found = reviewer ?? order.reviewer;
  return found && found !== me ? found : null;
}
