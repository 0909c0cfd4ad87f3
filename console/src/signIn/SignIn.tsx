/** Signing in with a token, and back to where one was. */

import VisibilityOffIcon from "@mui/icons-material/VisibilityOffOutlined";
import VisibilityIcon from "@mui/icons-material/VisibilityOutlined";
import {
  Alert,
  Box,
  Button,
  Card,
  IconButton,
  InputAdornment,
  TextField,
  ToggleButton,
  ToggleButtonGroup,
  Typography,
} from "@mui/material";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { useAuthProvider, useLocale, useSetLocale } from "react-admin";
import { Problem } from "../api/client";
import { hasEnded } from "../api/session";
import { LANGUAGES, rememberLanguage, useText } from "../i18n";
import { explain } from "../i18n/problem";

export function SignIn() {
  const text = useText();
  const provider = useAuthProvider();
  const queries = useQueryClient();
  const locale = useLocale();
  const setLocale = useSetLocale();
  const [token, setToken] = useState("");
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [complaint, setComplaint] = useState("");

  useEffect(() => {
    document.title = `${text("sign_in.title")} · Tombola`;
  }, [text]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!token.trim()) return setComplaint(text("sign_in.missing"));
    setBusy(true);
    setComplaint("");
    try {
      queries.clear(); // whoever was signed in before may have been allowed more
      await provider?.login({ token });
    } catch (failure) {
      const unknown = failure instanceof Problem && failure.status === 401;
      setComplaint(unknown ? text("sign_in.wrong") : explain(failure, text));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Box
      component="main"
      sx={{
        minHeight: "100dvh",
        display: "grid",
        placeItems: "center",
        p: 2,
        bgcolor: "background.default",
        color: "text.primary",
      }}
    >
      <Card
        component="form"
        onSubmit={submit}
        noValidate
        sx={{ width: "100%", maxWidth: 400, p: 3, display: "grid", gap: 2 }}
      >
        <Typography variant="h1">{text("sign_in.title")} · Tombola</Typography>
        {hasEnded() && <Alert severity="info">{text("sign_in.ended")}</Alert>}
        <TextField
          label={text("sign_in.token")}
          type={shown ? "text" : "password"}
          name="token"
          autoComplete="current-password"
          autoFocus
          value={token}
          onChange={(event) => setToken(event.target.value)}
          error={complaint !== ""}
          helperText={complaint || text("sign_in.token_help")}
          slotProps={{
            formHelperText: { role: complaint ? "alert" : undefined },
            input: {
              endAdornment: (
                <InputAdornment position="end">
                  <IconButton
                    edge="end"
                    aria-label={text(shown ? "sign_in.hide" : "sign_in.show")}
                    onClick={() => setShown(!shown)}
                  >
                    {shown ? <VisibilityOffIcon /> : <VisibilityIcon />}
                  </IconButton>
                </InputAdornment>
              ),
            },
          }}
        />
        <Button type="submit" variant="contained" size="large" loading={busy}>
          {text("sign_in.submit")}
        </Button>
        <ToggleButtonGroup
          exclusive
          fullWidth
          value={locale}
          aria-label={text("app.language")}
          onChange={async (_, wanted: string | null) => {
            if (!wanted) return;
            await setLocale(wanted);
            rememberLanguage(wanted);
          }}
        >
          {LANGUAGES.map((language) => (
            <ToggleButton key={language.locale} value={language.locale} lang={language.locale}>
              {language.name}
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
      </Card>
    </Box>
  );
}
