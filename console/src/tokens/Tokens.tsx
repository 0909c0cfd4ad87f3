/** Who may use the API: tokens with their roles, and links to sign a colleague in. */
import AddIcon from "@mui/icons-material/Add";
import {
  Alert,
  Box,
  Button,
  Chip,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  MenuItem,
  TextField,
} from "@mui/material";
import { useState } from "react";
import { useListContext, useLocale } from "react-admin";
import { Problem, request } from "../api/client";
import type { Role } from "../api/session";
import { post } from "../api/useApi";
import { ActionDialog } from "../components/ActionDialog";
import { Collection } from "../components/Collection";
import { ListScreen } from "../components/ListScreen";
import { QrCode } from "../components/QrCode";
import { Failed } from "../components/states";
import { When } from "../components/values";
import { moment } from "../format";
import { useText } from "../i18n";
import { useMay } from "../permissions";

interface Token {
  id: string;
  name: string;
  role: Role;
  created_at: string;
  created_by: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
}

/** What is shown once: a key, or a link. */
interface Secret {
  text: string;
  isLink: boolean;
  until?: string;
}

export default function Tokens() {
  const text = useText();
  const may = useMay();
  const [making, setMaking] = useState<"token" | "link" | null>(null);
  const [secret, setSecret] = useState<Secret | null>(null);
  if (!may("manager")) return <Failed error={new Problem(403, "role_not_allowed", "")} />;
  return (
    <ListScreen
      resource="tokens"
      name={text("menu.tokens")}
      empty={text("empty.tokens")}
      actions={
        <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap" }}>
          <Button variant="contained" startIcon={<AddIcon />} onClick={() => setMaking("link")}>
            {text("tokens.invite")}
          </Button>
          <Button variant="outlined" onClick={() => setMaking("token")}>
            {text("tokens.create")}
          </Button>
        </Box>
      }
    >
      <Rows />
      <NewDialog kind={making} onClose={() => setMaking(null)} onMade={setSecret} />
      {secret && <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
    </ListScreen>
  );
}

function Rows() {
  const text = useText();
  const locale = useLocale() ?? "en";
  const { data = [] } = useListContext<Token>();
  const [revoking, setRevoking] = useState<Token | null>(null);
  return (
    <>
      <Collection
        rows={data}
        label={text("menu.tokens")}
        titleLabel={text("tokens.name")}
        title={(token) => token.name}
        badge={(token) => (
          <Chip
            size="small"
            variant="outlined"
            color={token.revoked_at ? "default" : "success"}
            label={text(token.revoked_at ? "tokens.revoked" : "tokens.active")}
          />
        )}
        columns={[
          { label: text("tokens.role"), value: (token) => text(`roles.${token.role}`) },
          {
            label: text("tokens.expires"),
            value: (token) => (token.expires_at ? <When at={token.expires_at} /> : text("tokens.never")),
          },
          {
            label: text("tokens.last_used"),
            value: (token) =>
              token.last_used_at ? <When at={token.last_used_at} relative /> : text("tokens.unused"),
          },
          {
            label: text("tokens.made"),
            value: (token) =>
              text("tokens.created", { when: moment(token.created_at, locale), who: token.created_by }),
          },
        ]}
        actions={(token) =>
          token.revoked_at ? null : (
            <Button color="error" onClick={() => setRevoking(token)}>
              {text("tokens.revoke")}
            </Button>
          )
        }
      />
      <ActionDialog
        open={revoking !== null}
        onClose={() => setRevoking(null)}
        danger
        title={`${text("tokens.revoke")} · ${revoking?.name ?? ""}`}
        text={text("tokens.revoke_text")}
        confirm={text("tokens.revoke")}
        run={async () => {
          await request(`/tokens/${revoking?.id}`, { method: "DELETE" });
          return text("raffles.done");
        }}
      />
    </>
  );
}

interface NewProps {
  kind: "token" | "link" | null;
  onClose: () => void;
  onMade: (secret: Secret) => void;
}

function NewDialog({ kind, onClose, onMade }: NewProps) {
  const text = useText();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("cashier");
  const isLink = kind === "link";
  return (
    <ActionDialog
      open={kind !== null}
      onClose={onClose}
      title={text(isLink ? "tokens.invite" : "tokens.create")}
      text={isLink ? text("tokens.invite_text") : undefined}
      confirm={text(isLink ? "tokens.invite_make" : "tokens.create")}
      ready={name.trim() !== ""}
      run={async (once) => {
        const body = { name: name.trim(), role };
        if (isLink) {
          const { data } = await post<{ path: string; valid_until: string }>("/sign-in-links", { body });
          onMade({ text: new URL(data.path, window.location.origin).href, isLink, until: data.valid_until });
        } else {
          const { data } = await post<{ key: string }>("/tokens", { body, once });
          onMade({ text: data.key, isLink });
        }
        setName("");
        return undefined;
      }}
    >
      <Box sx={{ display: "grid", gap: 2, pt: 1 }}>
        <TextField
          label={text("tokens.name")}
          helperText={text("tokens.name_help")}
          value={name}
          onChange={(event) => setName(event.target.value)}
          autoFocus
        />
        <TextField
          select
          label={text("tokens.role")}
          value={role}
          helperText={text(`tokens.role_help.${role}`)}
          onChange={(event) => setRole(event.target.value as Role)}
        >
          {(["viewer", "cashier", "manager"] as const).map((one) => (
            <MenuItem key={one} value={one}>
              {text(`roles.${one}`)}
            </MenuItem>
          ))}
        </TextField>
      </Box>
    </ActionDialog>
  );
}

function SecretDialog({ secret, onClose }: { secret: Secret; onClose: () => void }) {
  const text = useText();
  const locale = useLocale() ?? "en";
  const [copied, setCopied] = useState(false);
  return (
    <Dialog open aria-labelledby="secret" fullWidth maxWidth="xs">
      <DialogTitle id="secret">{text(secret.isLink ? "tokens.link" : "tokens.key")}</DialogTitle>
      <DialogContent sx={{ display: "grid", gap: 2 }}>
        <Alert severity="warning">
          {secret.isLink
            ? text("tokens.link_once", { when: moment(secret.until ?? "", locale) })
            : text("tokens.shown_once")}
        </Alert>
        {secret.isLink && (
          <Box sx={{ width: 220, mx: "auto" }}>
            <QrCode text={secret.text} label={text("tokens.qr")} />
          </Box>
        )}
        <TextField
          label={text(secret.isLink ? "tokens.link" : "tokens.key")}
          value={secret.text}
          onFocus={(event) => event.target.select()}
          slotProps={{ htmlInput: { readOnly: true } }}
        />
      </DialogContent>
      <DialogActions>
        <Button
          onClick={() =>
            navigator.clipboard.writeText(secret.text).then(
              () => setCopied(true),
              () => {}, // it can be copied from its field
            )
          }
        >
          {text(copied ? "app.copied" : "app.copy")}
        </Button>
        <Button variant="contained" onClick={onClose}>
          {text("app.close")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
