/** Who did what, when, and how it was before and after. */
import ExpandMoreIcon from "@mui/icons-material/ExpandMore";
import {
  Accordion,
  AccordionDetails,
  AccordionSummary,
  Box,
  Button,
  MenuItem,
  TextField,
  Link as TextLink,
  Typography,
} from "@mui/material";
import { type FormEvent, useEffect, useState } from "react";
import { useListContext } from "react-admin";
import { Link } from "react-router-dom";
import type { AuditEntry } from "../api/types";
import { ListScreen } from "../components/ListScreen";
import { When } from "../components/values";
import { dayToMoment, momentToDay } from "../days";
import { type TextKey, useText } from "../i18n";
import en from "../i18n/en";
import { actionName } from "../orders/Timeline";

const SCREENS: Record<string, (id: string) => string> = {
  order: (id) => `/orders/${id}/show`,
  raffle: (id) => `/raffles/${id}/show`,
  contact: (id) => `/contacts/${id}/show`,
};

export default function AuditLog() {
  const text = useText();
  return (
    <ListScreen resource="audit" name={text("menu.audit")} filters={<Filters />} empty={text("empty.audit")}>
      <Entries />
    </ListScreen>
  );
}

interface Filter {
  by?: string;
  target?: string;
  action?: string;
  created_after?: string;
  created_before?: string;
}

function Filters() {
  const text = useText();
  const { filterValues, setFilters } = useListContext();
  const [filter, setFilter] = useState<Filter>(filterValues);
  useEffect(() => setFilter(filterValues), [filterValues]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const filled = Object.entries(filter).map(([name, value]) => [name, value?.trim()] as const);
    setFilters(Object.fromEntries(filled.filter(([, value]) => value)), {});
  };
  const shrink = { inputLabel: { shrink: true } };
  return (
    <Box
      component="form"
      role="search"
      onSubmit={submit}
      sx={{
        display: "grid",
        gap: 1,
        mb: 2,
        gridTemplateColumns: { xs: "1fr", sm: "repeat(3, 1fr)" },
        maxWidth: 960,
      }}
    >
      <TextField
        label={text("audit.filter_by")}
        value={filter.by ?? ""}
        onChange={(event) => setFilter({ ...filter, by: event.target.value })}
      />
      <TextField
        label={text("audit.filter_target")}
        value={filter.target ?? ""}
        onChange={(event) => setFilter({ ...filter, target: event.target.value })}
      />
      <TextField
        select
        label={text("audit.filter_action")}
        value={filter.action ?? ""}
        onChange={(event) => setFilter({ ...filter, action: event.target.value })}
      >
        <MenuItem value="">{text("audit.all_actions")}</MenuItem>
        {Object.keys(en.audit_actions).map((key) => (
          <MenuItem key={key} value={key.replace("_", ".")}>
            {text(`audit_actions.${key}` as TextKey)}
          </MenuItem>
        ))}
      </TextField>
      <TextField
        type="date"
        label={text("orders.from")}
        value={momentToDay(filter.created_after)}
        onChange={(event) => setFilter({ ...filter, created_after: dayToMoment(event.target.value) })}
        slotProps={shrink}
      />
      <TextField
        type="date"
        label={text("orders.until")}
        value={momentToDay(filter.created_before, -1)}
        onChange={(event) => setFilter({ ...filter, created_before: dayToMoment(event.target.value, 1) })}
        slotProps={shrink}
      />
      <Button type="submit" variant="outlined">
        {text("app.apply")}
      </Button>
    </Box>
  );
}

function Entries() {
  const text = useText();
  const { data = [] } = useListContext<AuditEntry>();
  return (
    <Box component="ul" aria-label={text("menu.audit")} sx={{ listStyle: "none", m: 0, p: 0 }}>
      {data.map((entry) => (
        <li key={entry.id}>
          <Accordion
            disableGutters
            variant="outlined"
            slotProps={{ heading: { component: "div" }, transition: { unmountOnExit: true } }}
          >
            <AccordionSummary expandIcon={<ExpandMoreIcon />}>
              <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 1.5, alignItems: "baseline" }}>
                <Typography sx={{ fontWeight: 650 }}>{actionName(entry.action, text)}</Typography>
                <Typography sx={{ overflowWrap: "anywhere" }}>{entry.target}</Typography>
                <Typography variant="body2" sx={{ color: "text.secondary", overflowWrap: "anywhere" }}>
                  <When at={entry.at} /> · {entry.by}
                </Typography>
              </Box>
            </AccordionSummary>
            <AccordionDetails>
              <Changes entry={entry} />
              <TargetLink target={entry.target} />
            </AccordionDetails>
          </Accordion>
        </li>
      ))}
    </Box>
  );
}

function TargetLink({ target }: { target: string }) {
  const text = useText();
  const [kind = "", id = ""] = target.split(":");
  const screen = SCREENS[kind];
  if (!screen) return null;
  return (
    <TextLink component={Link} to={screen(id)} sx={{ display: "inline-block", py: 1 }}>
      {text("app.open")}
    </TextLink>
  );
}

function Changes({ entry }: { entry: AuditEntry }) {
  const text = useText();
  const names = [...new Set([...Object.keys(entry.before), ...Object.keys(entry.after)])];
  const shown = (value: unknown) =>
    value === undefined || value === null
      ? text("audit.nothing")
      : typeof value === "string"
        ? value
        : JSON.stringify(value);
  if (names.length === 0) return <Typography>{text("audit.no_changes")}</Typography>;
  return (
    <Box component="dl" sx={{ m: 0, display: "grid", gap: 1 }}>
      {names.map((name) => (
        <Box key={name}>
          <Typography component="dt" variant="body2" sx={{ color: "text.secondary" }}>
            {name}
          </Typography>
          <Typography component="dd" sx={{ m: 0, overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
            {name in entry.before && <s>{shown(entry.before[name])}</s>}{" "}
            {name in entry.after && shown(entry.after[name])}
          </Typography>
        </Box>
      ))}
    </Box>
  );
}
