/** All raffles: status, progress, price; activated and paused in bulk. */
import AddIcon from "@mui/icons-material/Add";
import { Box, Button, Chip, Paper, TextField, Typography } from "@mui/material";
import { useState } from "react";
import { useListContext } from "react-admin";
import { Link } from "react-router-dom";
import { Problem } from "../api/client";
import type { BulkResult, Raffle, RaffleStatus } from "../api/types";
import { post } from "../api/useApi";
import { ActionDialog } from "../components/ActionDialog";
import { Collection } from "../components/Collection";
import { ListScreen } from "../components/ListScreen";
import { Money, Progress, RaffleStatusChip, When } from "../components/values";
import { padded } from "../format";
import { useText } from "../i18n";
import { explain } from "../i18n/problem";
import { useMay } from "../permissions";

const STATUSES: RaffleStatus[] = ["ACTIVE", "DRAFT", "INACTIVE", "CLOSED", "DRAWN", "CANCELLED"];

export default function RaffleList() {
  const text = useText();
  const may = useMay();
  const create = may("manager") ? (
    <Button component={Link} to="/raffles/create" variant="contained" startIcon={<AddIcon />}>
      {text("raffles.create")}
    </Button>
  ) : undefined;
  return (
    <ListScreen
      resource="raffles"
      name={text("menu.raffles")}
      actions={create}
      filters={<Filters />}
      empty={text("empty.raffles_filtered")}
      emptyAtAll={text("empty.raffles")}
    >
      <Raffles />
    </ListScreen>
  );
}

function Filters() {
  const text = useText();
  const { filterValues, setFilters } = useListContext();
  const { status, code } = filterValues as { status?: RaffleStatus; code?: string };
  const [typed, setTyped] = useState(code ?? "");
  return (
    <Box role="search" sx={{ display: "grid", gap: 1, mb: 2 }}>
      <Box
        component="form"
        onSubmit={(event) => {
          event.preventDefault();
          setFilters(typed.trim() ? { code: typed.trim().toUpperCase() } : {}, {});
        }}
      >
        <TextField
          type="search"
          placeholder={text("raffles.find_code")}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            if (event.target.value === "" && code) setFilters({}, {});
          }}
          sx={{ maxWidth: 320 }}
          slotProps={{ htmlInput: { "aria-label": text("raffles.find_code") } }}
        />
      </Box>
      <Box
        role="group"
        aria-label={text("raffles.status")}
        sx={{ display: "flex", gap: 1, overflowX: "auto" }}
      >
        {STATUSES.map((one) => (
          <Chip
            key={one}
            label={text(`raffle_status.${one}`)}
            color={status === one ? "primary" : "default"}
            variant={status === one ? "filled" : "outlined"}
            aria-pressed={status === one}
            onClick={() => setFilters(status === one ? {} : { status: one }, {})}
            sx={{ minHeight: 44, borderRadius: 22, flexShrink: 0 }}
          />
        ))}
      </Box>
    </Box>
  );
}

function Raffles() {
  const text = useText();
  const may = useMay();
  const { data = [] } = useListContext<Raffle>();
  const [ids, setIds] = useState<string[]>([]);
  const chosen = ids.filter((id) => data.some((raffle) => raffle.id === id));
  const all = chosen.length === data.length;
  return (
    <>
      <Collection
        rows={data}
        label={text("menu.raffles")}
        titleLabel={text("raffles.title")}
        title={(raffle) => raffle.title}
        to={(raffle) => `/raffles/${raffle.id}/show`}
        badge={(raffle) => <RaffleStatusChip status={raffle.status} />}
        columns={[
          {
            label: text("raffles.code"),
            value: (raffle) => <span style={{ whiteSpace: "nowrap" }}>{raffle.code}</span>,
          },
          {
            label: text("raffles.progress"),
            value: (raffle) =>
              raffle.expanded ? <Progress availability={raffle.expanded.availability} /> : null,
          },
          {
            label: text("raffles.price"),
            align: "right",
            value: (raffle) => <Money amount={raffle.unit_amount} currency={raffle.currency} />,
          },
          {
            label: text("raffles.numbers"),
            value: (raffle) => `${padded(raffle.first_number, raffle.last_number)}–${raffle.last_number}`,
          },
          {
            label: text("raffles.draws_at"),
            value: (raffle) => <When at={raffle.draws_at} zone={raffle.time_zone} />,
          },
        ]}
        selection={
          may("manager")
            ? {
                ids: chosen,
                toggle: (id) =>
                  setIds(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]),
                toggleAll: () => setIds(all ? [] : data.map((raffle) => raffle.id)),
                label: (id) =>
                  text("orders.select", { code: data.find((one) => one.id === id)?.title ?? id }),
                labelAll: text("orders.select_all"),
              }
            : undefined
        }
      />
      {chosen.length > 0 && <BulkBar ids={chosen} raffles={data} onDone={() => setIds([])} />}
    </>
  );
}

type Action = "activate" | "deactivate" | "generate-tickets";
const ACTIONS: Action[] = ["activate", "deactivate", "generate-tickets"];

function BulkBar({ ids, raffles, onDone }: { ids: string[]; raffles: Raffle[]; onDone: () => void }) {
  const text = useText();
  const [action, setAction] = useState<Action | null>(null);
  const [preview, setPreview] = useState<BulkResult | null>(null);
  const name = (one: Action) =>
    text(one === "generate-tickets" ? "raffles.generate" : (`raffles.${one}` as const));
  const ask = async (wanted: Action) => {
    setPreview(null);
    setAction(wanted);
    const { data } = await post<BulkResult>("/raffles/bulk", {
      body: { action: wanted, ids, dry_run: true },
    });
    setPreview(data);
  };
  return (
    <Paper
      elevation={4}
      role="group"
      aria-label={text("orders.actions")}
      sx={{
        position: "sticky",
        bottom: { xs: 72, md: 12 },
        mt: 2,
        p: 1,
        display: "flex",
        flexWrap: "wrap",
        alignItems: "center",
        gap: 1,
        zIndex: 2,
      }}
    >
      <Typography sx={{ px: 1 }}>{text("orders.selected", { smart_count: ids.length })}</Typography>
      {ACTIONS.map((one) => (
        <Button key={one} variant="outlined" onClick={() => void ask(one).catch(() => {})}>
          {name(one)}
        </Button>
      ))}
      <ActionDialog
        open={action !== null}
        onClose={() => setAction(null)}
        onDone={onDone}
        title={action ? `${name(action)} · ${ids.length}` : ""}
        confirm={text("bulk.run")}
        ready={(preview?.counts.done ?? 0) > 0}
        run={async () => {
          const { counts } = (
            await post<BulkResult>("/raffles/bulk", { body: { action, ids, dry_run: false } })
          ).data;
          return text("bulk.was_done", { count: counts.done });
        }}
      >
        <Box>
          <Typography variant="h3" component="p">
            {text("bulk.preview")}
          </Typography>
          <Box component="ul" sx={{ m: 0, pl: 2.5 }}>
            {preview?.results.map((result) => (
              <li key={result.id}>
                {raffles.find((one) => one.id === result.id)?.code ?? result.id}:{" "}
                {result.outcome === "refused"
                  ? explain(new Problem(409, result.code ?? "", ""), text)
                  : text(result.outcome === "done" ? "bulk.would" : "bulk.would_not")}
              </li>
            ))}
          </Box>
        </Box>
      </ActionDialog>
    </Paper>
  );
}
