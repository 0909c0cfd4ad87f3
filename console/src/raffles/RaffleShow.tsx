/** One raffle: how far it is, its board, what is missing before the sale, and how it is shared. */
import ContentCopyIcon from "@mui/icons-material/ContentCopyOutlined";
import EditIcon from "@mui/icons-material/EditOutlined";
import ShareIcon from "@mui/icons-material/ShareOutlined";
import { Box, Button, Card, TextField, Typography } from "@mui/material";
import { lazy, Suspense, useState } from "react";
import { useGetOne } from "react-admin";
import { Link, useNavigate, useParams } from "react-router-dom";
import type { Availability, Raffle } from "../api/types";
import { post, useApi } from "../api/useApi";
import { ActionDialog } from "../components/ActionDialog";
import { Screen } from "../components/Screen";
import { Failed, Loading } from "../components/states";
import { Facts, Money, Progress, RaffleStatusChip, When } from "../components/values";
import { padded } from "../format";
import { useText } from "../i18n";
import { useMay } from "../permissions";
import { Checklist } from "./Checklist";
import { MoveMenu } from "./moves";
import { PaymentChange } from "./PaymentChange";
import { PictureCard } from "./PictureCard";

const Board = lazy(() => import("../board/Board"));
const ShareDialog = lazy(() => import("./ShareDialog"));
const REFRESH = 20_000;

export default function RaffleShow() {
  const text = useText();
  const may = useMay();
  const { id = "" } = useParams();
  const [sharing, setSharing] = useState(false);
  const [copying, setCopying] = useState(false);
  const { data: raffle, error, refetch } = useGetOne<Raffle>("raffles", { id });
  const name = raffle?.title ?? text("resources.raffles.name", { smart_count: 1 });
  if (error)
    return (
      <Screen title={name} name={name}>
        <Failed error={error} onRetry={() => refetch()} />
      </Screen>
    );
  if (!raffle)
    return (
      <Screen title={name} name={name}>
        <Loading />
      </Screen>
    );
  const manager = may("manager");
  const forSale = raffle.status === "DRAFT" || raffle.status === "INACTIVE";
  return (
    <Screen
      name={name}
      title={
        <>
          {raffle.title} <RaffleStatusChip status={raffle.status} />
        </>
      }
      actions={
        <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap" }}>
          <Button startIcon={<ShareIcon />} onClick={() => setSharing(true)}>
            {text("raffles.share")}
          </Button>
          {manager && (
            <>
              <Button startIcon={<ContentCopyIcon />} onClick={() => setCopying(true)}>
                {text("raffles.duplicate")}
              </Button>
              <Button
                component={Link}
                to={`/raffles/${raffle.id}`}
                startIcon={<EditIcon />}
                variant="outlined"
              >
                {text("raffles.edit")}
              </Button>
              <MoveMenu raffle={raffle} />
            </>
          )}
        </Box>
      }
    >
      <Box
        sx={{
          display: "grid",
          gap: 2,
          alignItems: "start",
          gridTemplateColumns: { xs: "minmax(0, 1fr)", lg: "minmax(0, 1fr) 360px" },
        }}
      >
        <Box sx={{ display: "grid", gap: 2, minWidth: 0 }}>
          {forSale && <Checklist raffle={raffle} />}
          <PaymentChange raffle={raffle} />
          <Suspense fallback={<Loading />}>
            <Board raffle={raffle} />
          </Suspense>
        </Box>
        <Box sx={{ display: "grid", gap: 2 }}>
          <About raffle={raffle} />
          <PictureCard raffle={raffle} />
        </Box>
      </Box>
      {sharing && (
        <Suspense fallback={null}>
          <ShareDialog raffle={raffle} onClose={() => setSharing(false)} />
        </Suspense>
      )}
      <DuplicateDialog raffle={raffle} open={copying} onClose={() => setCopying(false)} />
    </Screen>
  );
}

function About({ raffle }: { raffle: Raffle }) {
  const text = useText();
  const zone = raffle.time_zone;
  const { data } = useApi<Availability>(`/raffles/${raffle.id}/availability`, undefined, {
    refetchInterval: REFRESH,
    refetchIntervalInBackground: false,
  });
  const facts: [string, React.ReactNode][] = [
    [text("raffles.code"), raffle.code],
    [text("raffles.prize"), raffle.prize || "–"],
    [text("raffles.price"), <Money key="price" amount={raffle.unit_amount} currency={raffle.currency} />],
    [text("raffles.numbers"), `${padded(raffle.first_number, raffle.last_number)}–${raffle.last_number}`],
    [text("raffles.hold_minutes"), raffle.hold_minutes ?? text("app.none")],
    [text("raffles.opens_at"), <When key="opens" at={raffle.opens_at} zone={zone} />],
    [text("raffles.closes_at"), <When key="closes" at={raffle.closes_at} zone={zone} />],
    [text("raffles.draws_at"), <When key="draws" at={raffle.draws_at} zone={zone} />],
    [text("raffles.time_zone"), zone],
  ];
  return (
    <Card component="section" sx={{ p: 2 }}>
      <Typography variant="h2" sx={{ mb: 1.5 }}>
        {text("raffles.facts")}
      </Typography>
      {data && (
        <Box sx={{ mb: 2 }}>
          <Progress availability={data} />
        </Box>
      )}
      <Facts facts={facts} />
      {raffle.payment_instructions && (
        <>
          <Typography variant="body2" sx={{ color: "text.secondary", mt: 1.5 }}>
            {text("raffles.payment_instructions")}
          </Typography>
          <Typography sx={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
            {raffle.payment_instructions}
          </Typography>
        </>
      )}
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", mt: 1.5 }}>
        <Button
          component={Link}
          to={`/orders?filter=${encodeURIComponent(JSON.stringify({ raffle: raffle.id }))}`}
        >
          {text("menu.orders")}
        </Button>
        <Button component={Link} to={`/money?raffle=${raffle.id}`}>
          {text("raffles.report")}
        </Button>
      </Box>
    </Card>
  );
}

function DuplicateDialog({ raffle, open, onClose }: { raffle: Raffle; open: boolean; onClose: () => void }) {
  const text = useText();
  const navigate = useNavigate();
  const copy = text("raffles.copy_of", { title: raffle.title }).slice(0, 100);
  const [title, setTitle] = useState(copy);
  const [code, setCode] = useState("");
  return (
    <ActionDialog
      open={open}
      onClose={onClose}
      title={text("raffles.duplicate")}
      text={text("raffles.duplicate_text")}
      confirm={text("raffles.duplicate")}
      ready={title.trim() !== ""}
      run={async (once) => {
        const body = { title: title.trim(), ...(code.trim() ? { code: code.trim() } : {}) };
        const { data } = await post<Raffle>(`/raffles/${raffle.id}/duplicate`, { body, once });
        navigate(`/raffles/${data.id}/show`);
        return text("raffles.done");
      }}
    >
      <Box sx={{ display: "grid", gap: 2, pt: 1 }}>
        <TextField
          label={text("raffles.title")}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          autoFocus
        />
        <TextField
          label={text("raffles.code")}
          helperText={text("raffles.code_help")}
          value={code}
          onChange={(event) => setCode(event.target.value)}
        />
      </Box>
    </ActionDialog>
  );
}
