/** Asks before something is changed, keeps what was typed if it fails, and says who was first if somebody was. */
import {
  Alert,
  Button,
  Dialog,
  DialogActions,
  DialogContent,
  DialogContentText,
  DialogTitle,
} from "@mui/material";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useLocale, useNotify } from "react-admin";
import { newKey, Problem } from "../api/client";
import { ago } from "../format";
import { useText } from "../i18n";
import { explain } from "../i18n/problem";

interface Props {
  open: boolean;
  onClose: () => void;
  title: string;
  text?: string;
  confirm: string;
  danger?: boolean;
  children?: ReactNode;
  ready?: boolean;
  /** Send it. The key is the same each time that this dialog tries. Returns what to say afterwards. */
  run: (key: string) => Promise<string | undefined>;
  onDone?: () => void;
}

export function ActionDialog(props: Props) {
  const text = useText();
  const notify = useNotify();
  const queries = useQueryClient();
  const key = useRef(newKey());
  const title = useId();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);

  useEffect(() => {
    if (!props.open) return;
    key.current = newKey();
    setFailure(null);
  }, [props.open]);

  const refresh = () => queries.invalidateQueries();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setBusy(true);
    setFailure(null);
    try {
      const said = await props.run(key.current);
      if (said) notify(said, { type: "success", undoable: false, messageArgs: { _: said } });
      props.onClose();
      props.onDone?.();
      await refresh();
    } catch (problem) {
      setFailure(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      open={props.open}
      onClose={busy ? undefined : props.onClose}
      aria-labelledby={title}
      fullWidth
      maxWidth="xs"
    >
      <form onSubmit={submit} noValidate>
        <DialogTitle id={title}>{props.title}</DialogTitle>
        <DialogContent sx={{ display: "grid", gap: 2 }}>
          {props.text && <DialogContentText>{props.text}</DialogContentText>}
          {props.children}
          {failure !== null && (
            <Complaint failure={failure} onReload={refresh} typed={Boolean(props.children)} />
          )}
        </DialogContent>
        <DialogActions>
          <Button onClick={props.onClose} disabled={busy}>
            {text("app.cancel")}
          </Button>
          <Button
            type="submit"
            variant="contained"
            color={props.danger ? "error" : "primary"}
            loading={busy}
            disabled={props.ready === false}
            autoFocus={!props.children}
          >
            {props.confirm}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

interface ComplaintProps {
  failure: unknown;
  typed?: boolean;
  onReload?: () => void;
}

/** What went wrong; and if somebody else was first, who and when. */
export function Complaint({ failure, typed, onReload }: ComplaintProps) {
  const text = useText();
  const conflict = failure instanceof Problem && failure.isConflict;
  const details = failure instanceof Problem ? failure.errors : [];
  return (
    <Alert
      severity={conflict ? "warning" : "error"}
      action={
        conflict && onReload ? (
          <Button color="inherit" onClick={onReload}>
            {text("app.reload")}
          </Button>
        ) : undefined
      }
    >
      {explain(failure, text)} <Who failure={failure} /> {conflict && typed && text("conflict.keeps")}
      {details.length > 0 && (
        <ul>
          {details.map((error) => (
            <li key={error.field}>
              {error.field}: {error.message}
            </li>
          ))}
        </ul>
      )}
    </Alert>
  );
}

/** Who was first, if somebody was, and when. */
export function Who({ failure }: { failure: unknown }) {
  const text = useText();
  const locale = useLocale() ?? "en";
  const change = failure instanceof Problem ? failure.change : undefined;
  if (!change) return null;
  const when = ago(change.at, locale);
  return change.by ? text("conflict.by", { when, who: change.by }) : text("conflict.at", { when });
}
