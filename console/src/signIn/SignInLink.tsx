/** Signing in with a link that works once. Its secret is in the fragment, which no server sees, and leaves the address. */
import { Alert, Box, Button, Card, Typography } from "@mui/material";
import { useEffect, useRef, useState } from "react";
import { Link, useNavigate, useParams } from "react-router-dom";
import { request } from "../api/client";
import { type Me, startSession } from "../api/session";
import { Loading } from "../components/states";
import { useText } from "../i18n";
import { explain } from "../i18n/problem";

export default function SignInLink() {
  const text = useText();
  const navigate = useNavigate();
  const { secret } = useParams();
  const used = useRef(false);
  const [failure, setFailure] = useState<unknown>(null);

  useEffect(() => {
    if (used.current || !secret) return;
    used.current = true; // the link works once, also where effects run twice
    const signIn = async () => {
      const options = { method: "POST", body: { secret }, token: "" };
      const { data } = await request<{ key: string }>("/sign-in", options);
      const me = await request<Me>("/me", { token: data.key });
      startSession(data.key, me.data);
      navigate("/", { replace: true });
    };
    signIn().catch(setFailure);
  }, [secret, navigate]);

  return (
    <Box
      component="main"
      sx={{ minHeight: "100dvh", display: "grid", placeItems: "center", p: 2, bgcolor: "background.default" }}
    >
      <Card sx={{ p: 3, maxWidth: 400, width: "100%", display: "grid", gap: 2 }}>
        <Typography variant="h1">{text("sign_in.title")} · Tombola</Typography>
        {failure === null ? (
          <Loading />
        ) : (
          <>
            <Alert severity="error">{explain(failure, text)}</Alert>
            <Button component={Link} to="/" variant="contained">
              {text("sign_in.with_token")}
            </Button>
          </>
        )}
      </Card>
    </Box>
  );
}
