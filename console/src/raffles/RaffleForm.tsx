/** The form of a raffle, with the card that buyers read beside it. What was typed stays until it is saved. */
import {
  Alert,
  Box,
  Button,
  Card,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  MenuItem,
  TextField,
  Typography,
} from "@mui/material";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useBlocker } from "react-router-dom";
import { Problem } from "../api/client";
import { Complaint, Who } from "../components/ActionDialog";
import { type TextKey, useText } from "../i18n";
import { fieldErrors } from "../i18n/problem";
import { CardPreview } from "./CardPreview";
import { forgetDraft, keepDraft, readDraft } from "./drafts";
import { bodyOf, FIELD_OF, type Fields } from "./fields";

interface Props {
  /** The name under which what is typed is kept in this tab. */
  draft: string;
  start: Fields;
  /** Save these. Throws the API's problem. `onTop`: of the version that somebody else has made meanwhile. */
  save: (fields: Fields, onTop: boolean) => Promise<void>;
  onReload?: () => void;
  /** Propose another way to pay to a second manager. */
  propose?: (fields: Fields) => Promise<void>;
}

type Kind = "text" | "lines" | "number" | "time" | "language";
const PARTS: { title: TextKey; fields: [keyof Fields, Kind, TextKey?][] }[] = [
  {
    title: "raffles.basics",
    fields: [
      ["title", "text"],
      ["prize", "text"],
      ["description", "lines"],
      ["code", "text", "raffles.code_help"],
    ],
  },
  {
    title: "raffles.sale",
    fields: [
      ["price", "text"],
      ["currency", "text"],
      ["first_number", "number"],
      ["last_number", "number"],
      ["hold_minutes", "number", "raffles.hold_minutes_help"],
      ["max_per_contact", "number"],
    ],
  },
  { title: "raffles.paying", fields: [["payment_instructions", "lines", "raffles.payment_help"]] },
  {
    title: "raffles.times",
    fields: [
      ["opens_at", "time"],
      ["closes_at", "time"],
      ["draws_at", "time"],
      ["time_zone", "text"],
    ],
  },
  {
    title: "raffles.trust",
    fields: [
      ["organiser", "text"],
      ["organiser_contact", "text"],
      ["permit_authority", "text"],
      ["permit_number", "text"],
      ["draw_method", "text"],
      ["rules_url", "text"],
      ["minimum_age", "number"],
      ["language", "language"],
    ],
  },
];
const WIDE = new Set<keyof Fields>(["title", "prize", "description", "payment_instructions", "draw_method"]);

export function RaffleForm({ draft, start, save, onReload, propose }: Props) {
  const text = useText();
  // What is typed outlives a reload, and a session that ends.
  const [fields, setFields] = useState<Fields>(() => ({ ...start, ...readDraft(draft) }));
  const givenUp = useRef(false);
  const [sent, setSent] = useState(start);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [conflict, setConflict] = useState(false);
  const changed = (Object.keys(fields) as (keyof Fields)[]).filter((name) => fields[name] !== start[name]);
  const errors = Object.entries(fieldErrors(failure)).map(
    ([name, message]) => [FIELD_OF[name] ?? name, message] as const,
  );
  // What was changed since is not wrong until the API says so.
  const wrong = Object.fromEntries(
    errors.filter(([name]) => fields[name as keyof Fields] === sent[name as keyof Fields]),
  );
  const elsewhere = errors.filter(([name]) => !(name in fields));
  useEffect(() => {
    if (changed.length === 0 || givenUp.current) forgetDraft(draft);
    else keepDraft(draft, Object.fromEntries(changed.map((name) => [name, fields[name]])));
  });
  const blocker = useBlocker(changed.length > 0 && !busy);
  const needsSecond = failure instanceof Problem && failure.code === "second_manager_needed";

  const giveUp = () => {
    givenUp.current = true;
    forgetDraft(draft);
  };
  const submit = async (onTop: boolean) => {
    setBusy(true);
    setSent(fields);
    setFailure(null);
    setConflict(false);
    try {
      await save(fields, onTop);
      giveUp();
    } catch (problem) {
      setFailure(problem);
      setConflict(problem instanceof Problem && problem.status === 412);
      setBusy(false);
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: after each failure
  useEffect(() => {
    document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [failure]);

  const input = (name: keyof Fields, kind: Kind, help?: TextKey) => (
    <TextField
      key={name}
      name={name}
      label={text(`raffles.${name === "price" ? "unit_amount" : name}` as TextKey)}
      value={fields[name]}
      onChange={(event) => setFields({ ...fields, [name]: event.target.value })}
      error={name in wrong}
      helperText={wrong[name] ?? (help && text(help))}
      required={name === "title" || name === "price" || name === "last_number" || name === "currency"}
      multiline={kind === "lines"}
      minRows={kind === "lines" ? 3 : undefined}
      select={kind === "language"}
      type={kind === "time" ? "datetime-local" : "text"}
      sx={WIDE.has(name) ? { gridColumn: "1 / -1" } : undefined}
      slotProps={{
        htmlInput: { inputMode: kind === "number" ? "numeric" : name === "price" ? "decimal" : undefined },
        inputLabel: kind === "time" ? { shrink: true } : undefined,
      }}
    >
      {kind === "language" && <MenuItem value="">{text("raffles.language_any")}</MenuItem>}
      {kind === "language" &&
        (["es", "pt", "en"] as const).map((one) => (
          <MenuItem key={one} value={one} lang={one}>
            {{ es: "Español", pt: "Português", en: "English" }[one]}
          </MenuItem>
        ))}
    </TextField>
  );

  return (
    <Box
      sx={{
        display: "grid",
        gap: 2,
        alignItems: "start",
        gridTemplateColumns: { xs: "minmax(0, 1fr)", lg: "minmax(0, 1fr) 380px" },
      }}
    >
      <Box
        component="form"
        noValidate
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          void submit(false);
        }}
        sx={{ display: "grid", gap: 2 }}
      >
        {PARTS.map((part) => (
          <Card key={part.title} component="fieldset" sx={{ p: 2, m: 0, minWidth: 0 }}>
            <Typography component="legend" variant="h3" sx={{ float: "left", width: "100%", mb: 2 }}>
              {text(part.title)}
            </Typography>
            <Box
              sx={{
                clear: "both",
                display: "grid",
                gap: 2,
                gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" },
              }}
            >
              {part.fields.map(([name, kind, help]) => input(name, kind, help))}
            </Box>
          </Card>
        ))}
        {failure !== null && !conflict && (
          <Box role="alert">
            <Complaint
              failure={errors.length > 0 && elsewhere.length === 0 ? withoutFields(failure) : failure}
            />
          </Box>
        )}
        {needsSecond && propose && (
          <Button
            variant="outlined"
            onClick={() => {
              setFailure(null);
              propose(fields).catch(setFailure);
            }}
          >
            {text("raffles.propose")}
          </Button>
        )}
        <Box
          sx={{
            position: "sticky",
            bottom: { xs: 60, md: 0 },
            py: 1,
            bgcolor: "background.default",
            zIndex: 1,
            display: "flex",
            gap: 1,
          }}
        >
          <Button type="submit" variant="contained" loading={busy} disabled={changed.length === 0}>
            {text("app.save")}
          </Button>
        </Box>
      </Box>
      <CardPreview body={bodyOf(fields)} />
      <ConflictDialog
        open={conflict}
        failure={failure}
        fields={changed.map((name) => text(`raffles.${name === "price" ? "unit_amount" : name}` as TextKey))}
        onMine={() => void submit(true)}
        onReload={() => {
          setConflict(false);
          giveUp();
          onReload?.();
        }}
        onClose={() => setConflict(false)}
      />
      <Dialog open={blocker.state === "blocked"} aria-labelledby="unsaved">
        <DialogTitle id="unsaved">{text("raffles.unsaved")}</DialogTitle>
        <DialogActions>
          <Button onClick={() => blocker.reset?.()} autoFocus>
            {text("raffles.stay")}
          </Button>
          <Button
            color="error"
            onClick={() => {
              giveUp();
              blocker.proceed?.();
            }}
          >
            {text("raffles.leave")}
          </Button>
        </DialogActions>
      </Dialog>
    </Box>
  );
}

/** The same problem, without what stands at the fields already. */
function withoutFields(failure: unknown): unknown {
  return failure instanceof Problem ? new Problem(failure.status, failure.code, failure.detail) : failure;
}

interface ConflictProps {
  open: boolean;
  failure: unknown;
  fields: string[];
  onMine: () => void;
  onReload: () => void;
  onClose: () => void;
}

/** Somebody else has saved another version. Nothing that was typed is lost, whatever is chosen but the reload. */
function ConflictDialog({ open, failure, fields, onMine, onReload, onClose }: ConflictProps) {
  const text = useText();
  return (
    <Dialog open={open} onClose={onClose} aria-labelledby="conflict" fullWidth maxWidth="xs">
      <DialogTitle id="conflict">{text("conflict.title")}</DialogTitle>
      <DialogContent sx={{ display: "grid", gap: 1.5 }}>
        <Alert severity="warning">
          {text("conflict.somebody")} <Who failure={failure} /> {text("conflict.keeps")}
        </Alert>
        <Typography>{text("conflict.fields", { fields: fields.join(", ") })}</Typography>
      </DialogContent>
      <DialogActions sx={{ flexWrap: "wrap" }}>
        <Button onClick={onClose}>{text("app.cancel")}</Button>
        <Button onClick={onReload}>{text("conflict.reload")}</Button>
        <Button variant="contained" onClick={onMine} autoFocus>
          {text("conflict.save_mine")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
