/** Filters of the list of orders, one search box, and views that are saved on this device. */
import BookmarkAddIcon from "@mui/icons-material/BookmarkAddOutlined";
import SearchIcon from "@mui/icons-material/Search";
import TuneIcon from "@mui/icons-material/Tune";
import {
  Badge,
  Box,
  Button,
  Checkbox,
  Chip,
  Collapse,
  FormControlLabel,
  InputAdornment,
  MenuItem,
  TextField,
} from "@mui/material";
import { type FormEvent, useEffect, useState } from "react";
import { useListContext } from "react-admin";
import type { OrderStatus } from "../api/types";
import { ActionDialog } from "../components/ActionDialog";
import { useRaffles } from "../components/raffleOptions";
import { dayToMoment, momentToDay } from "../days";
import { useText } from "../i18n";

const STATUSES: OrderStatus[] = [
  "IN_REVIEW",
  "LATE",
  "PENDING_PAYMENT",
  "DRAFT",
  "PAID",
  "EXPIRED",
  "CANCELLED",
  "REFUNDED",
];
const VIEWS = "tombola.orders.views";

interface Filters {
  search?: string;
  status?: OrderStatus[];
  raffle?: string;
  created_after?: string;
  created_before?: string;
  flagged?: "true";
}

export function OrderFilters() {
  const text = useText();
  const raffles = useRaffles();
  const { filterValues, setFilters } = useListContext();
  const filters = filterValues as Filters;
  const [search, setSearch] = useState(filters.search ?? "");
  const [open, setOpen] = useState(false);
  useEffect(() => setSearch(filters.search ?? ""), [filters.search]);

  const change = (changes: Partial<Filters>) => {
    const wanted = Object.entries({ ...filters, ...changes }).filter(
      ([, value]) => value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0),
    );
    setFilters(Object.fromEntries(wanted), {});
  };
  const toggle = (status: OrderStatus) => {
    const now = filters.status ?? [];
    change({ status: now.includes(status) ? now.filter((one) => one !== status) : [...now, status] });
  };
  const more = [filters.raffle, filters.created_after, filters.created_before, filters.flagged].filter(
    Boolean,
  );
  return (
    <Box role="search" sx={{ display: "grid", gap: 1, mb: 2 }}>
      <Box
        component="form"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          change({ search: search.trim() });
        }}
        sx={{ display: "flex", gap: 1 }}
      >
        <TextField
          type="search"
          placeholder={text("orders.search")}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
            if (event.target.value === "") change({ search: "" });
          }}
          sx={{ maxWidth: 420 }}
          slotProps={{
            htmlInput: { "aria-label": text("orders.search_help"), enterKeyHint: "search" },
            input: {
              startAdornment: (
                <InputAdornment position="start">
                  <SearchIcon />
                </InputAdornment>
              ),
            },
          }}
        />
        <Badge badgeContent={more.length} color="primary">
          <Button
            variant="outlined"
            startIcon={<TuneIcon />}
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            {text("app.filters")}
          </Button>
        </Badge>
      </Box>
      <Box
        role="group"
        aria-label={text("orders.status")}
        sx={{ display: "flex", gap: 1, overflowX: "auto", pb: 0.5 }}
      >
        {STATUSES.map((status) => {
          const on = filters.status?.includes(status) ?? false;
          return (
            <Chip
              key={status}
              label={text(`status.${status}`)}
              color={on ? "primary" : "default"}
              variant={on ? "filled" : "outlined"}
              onClick={() => toggle(status)}
              aria-pressed={on}
              sx={{ minHeight: 44, borderRadius: 22, flexShrink: 0 }}
            />
          );
        })}
      </Box>
      <Collapse in={open} unmountOnExit>
        <Box
          sx={{ display: "grid", gap: 1.5, pt: 1, gridTemplateColumns: { xs: "1fr", sm: "repeat(4, 1fr)" } }}
        >
          <TextField
            select
            label={text("orders.raffle")}
            value={raffles.some((one) => one.id === filters.raffle) ? filters.raffle : ""}
            onChange={(event) => change({ raffle: event.target.value })}
          >
            <MenuItem value="">{text("orders.all_raffles")}</MenuItem>
            {raffles.map((raffle) => (
              <MenuItem key={raffle.id} value={raffle.id}>
                {raffle.code} · {raffle.title}
              </MenuItem>
            ))}
          </TextField>
          <TextField
            type="date"
            label={text("orders.from")}
            value={momentToDay(filters.created_after)}
            onChange={(event) => change({ created_after: dayToMoment(event.target.value) })}
            slotProps={{ inputLabel: { shrink: true } }}
          />
          <TextField
            type="date"
            label={text("orders.until")}
            value={momentToDay(filters.created_before, -1)}
            onChange={(event) => change({ created_before: dayToMoment(event.target.value, 1) })}
            slotProps={{ inputLabel: { shrink: true } }}
          />
          <FormControlLabel
            control={
              <Checkbox
                checked={filters.flagged === "true"}
                onChange={(_, on) => change({ flagged: on ? "true" : undefined })}
              />
            }
            label={text("orders.flagged")}
          />
        </Box>
      </Collapse>
      <SavedViews filters={filters} onChoose={(view) => setFilters(view, {})} />
    </Box>
  );
}

type Views = Record<string, Filters>;

function SavedViews({ filters, onChoose }: { filters: Filters; onChoose: (view: Filters) => void }) {
  const text = useText();
  const [views, setViews] = useState<Views>(() => JSON.parse(localStorage.getItem(VIEWS) ?? "{}") as Views);
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState("");
  const keep = (changed: Views) => {
    localStorage.setItem(VIEWS, JSON.stringify(changed));
    setViews(changed);
  };
  const filtered = Object.keys(filters).length > 0;
  if (!filtered && Object.keys(views).length === 0) return null;
  return (
    <Box role="group" aria-label={text("orders.views")} sx={{ display: "flex", gap: 1, flexWrap: "wrap" }}>
      {Object.entries(views).map(([label, view]) => (
        <Chip
          key={label}
          label={label}
          onClick={() => onChoose(view)}
          onDelete={() => keep(Object.fromEntries(Object.entries(views).filter(([one]) => one !== label)))}
          sx={{ minHeight: 44, borderRadius: 22 }}
        />
      ))}
      {filtered && (
        <>
          <Button startIcon={<BookmarkAddIcon />} onClick={() => setNaming(true)}>
            {text("orders.save_view")}
          </Button>
          <Button onClick={() => onChoose({})}>{text("app.clear_filters")}</Button>
        </>
      )}
      <ActionDialog
        open={naming}
        onClose={() => setNaming(false)}
        title={text("orders.save_view")}
        confirm={text("app.save")}
        ready={name.trim() !== ""}
        run={async () => {
          keep({ ...views, [name.trim()]: filters });
          setName("");
          return undefined;
        }}
      >
        <TextField
          label={text("orders.view_name")}
          value={name}
          onChange={(event) => setName(event.target.value)}
          autoFocus
          slotProps={{ htmlInput: { maxLength: 40 } }}
        />
      </ActionDialog>
    </Box>
  );
}
