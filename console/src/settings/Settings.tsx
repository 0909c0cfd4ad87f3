/** What is set up and what answers: health, and whether messages go out. */
import CheckCircleIcon from "@mui/icons-material/CheckCircleOutlined";
import ErrorIcon from "@mui/icons-material/ErrorOutlined";
import { Alert, Box, Button, Card, Link as TextLink, Typography } from "@mui/material";
import { useState } from "react";
import { useGetIdentity, useLocale } from "react-admin";
import { API } from "../api/client";
import type { Sending } from "../api/types";
import { post, useApi } from "../api/useApi";
import { ActionDialog } from "../components/ActionDialog";
import { Screen } from "../components/Screen";
import { Failed, Loading } from "../components/states";
import { moment } from "../format";
import { type TextKey, useText } from "../i18n";
import en from "../i18n/en";
import { useMay } from "../permissions";

interface Health {
  status: "ok" | "failing";
  reachable: Record<string, string> | null;
}

export default function Settings() {
  const text = useText();
  return (
    <Screen title={text("settings.title")} name={text("settings.title")}>
      <Box
        sx={{
          display: "grid",
          gap: 2,
          alignItems: "start",
          gridTemplateColumns: { xs: "minmax(0, 1fr)", md: "1fr 1fr" },
        }}
      >
        <Box sx={{ display: "grid", gap: 2 }}>
          <HealthCard />
          <SetupCard />
        </Box>
        <Box sx={{ display: "grid", gap: 2 }}>
          <SendingCard />
          <NumberCard />
        </Box>
      </Box>
    </Screen>
  );
}

function HealthCard() {
  const text = useText();
  const { data, error, refetch, isFetching } = useApi<Health>("/health", { deep: 1 }, { staleTime: 0 });
  return (
    <Card component="section" sx={{ p: 2 }}>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {text("settings.health")}
      </Typography>
      {error ? (
        <Failed error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Loading />
      ) : (
        <>
          <Alert severity={data.status === "ok" ? "success" : "error"} sx={{ mb: 1 }}>
            {text(data.status === "ok" ? "settings.healthy" : "settings.failing")}
          </Alert>
          <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0 }}>
            {Object.entries(data.reachable ?? {}).map(([part, state]) => (
              <Box
                component="li"
                key={part}
                sx={{ display: "flex", gap: 1, alignItems: "center", minHeight: 40 }}
              >
                {state === "ok" ? <CheckCircleIcon color="success" /> : <ErrorIcon color="error" />}
                <span>
                  {part in en.settings.parts ? text(`settings.parts.${part}` as TextKey) : part}:{" "}
                  {state === "ok" ? text("settings.ok") : state}
                </span>
              </Box>
            ))}
          </Box>
          <Button onClick={() => refetch()} loading={isFetching}>
            {text("app.retry")}
          </Button>
        </>
      )}
    </Card>
  );
}

interface Setup {
  checks: { code: string; is_done: boolean; setting: string | null; text: string }[];
  templates: { name: string; language: string; is_approved: boolean }[];
}

function SetupCard() {
  const text = useText();
  const { data, error, refetch } = useApi<Setup>("/setup");
  const missing = data?.templates.filter((template) => !template.is_approved) ?? [];
  return (
    <Card component="section" sx={{ p: 2 }}>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {text("settings.setup")}
      </Typography>
      {error ? <Failed error={error} onRetry={() => refetch()} /> : !data && <Loading />}
      <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0, display: "grid", gap: 1 }}>
        {data?.checks.map((check) => (
          <Box component="li" key={check.code} sx={{ display: "flex", gap: 1 }}>
            {check.is_done ? (
              <CheckCircleIcon color="success" titleAccess={text("app.yes")} />
            ) : (
              <ErrorIcon color="warning" titleAccess={text("app.no")} />
            )}
            <Box sx={{ minWidth: 0, overflowWrap: "anywhere" }}>
              {check.code in en.setup ? text(`setup.${check.code}` as TextKey) : check.text}
              {!check.is_done && check.setting && (
                <Typography variant="body2" sx={{ color: "text.secondary" }}>
                  {check.setting}
                </Typography>
              )}
            </Box>
          </Box>
        ))}
      </Box>
      {missing.length > 0 && (
        <Typography variant="body2" sx={{ color: "text.secondary", mt: 1, overflowWrap: "anywhere" }}>
          {text("settings.unapproved", {
            names: missing.map((template) => `${template.name} (${template.language})`).join(", "),
          })}
        </Typography>
      )}
    </Card>
  );
}

function SendingCard() {
  const text = useText();
  const may = useMay();
  const locale = useLocale() ?? "en";
  const [asking, setAsking] = useState(false);
  const { data, error, refetch } = useApi<Sending>("/sending", undefined, { refetchInterval: 20_000 });
  const state: TextKey = !data?.stopped ? "settings.sending_on" : `settings.sending_${data.stopped}`;
  const isOff = Boolean(data?.stopped);
  return (
    <Card component="section" sx={{ p: 2 }}>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {text("settings.sending")}
      </Typography>
      {error ? (
        <Failed error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Loading />
      ) : (
        <>
          <Alert severity={isOff ? "error" : "success"}>
            {text(state)} {data.since && text("settings.since", { when: moment(data.since, locale) })}{" "}
            {data.resumes_at && text("settings.resumes", { when: moment(data.resumes_at, locale) })}{" "}
            {data.code && text("messages.error", { code: data.code })}
          </Alert>
          {data.silent_since && (
            <Alert severity="warning" sx={{ mt: 1 }}>
              {text("settings.silent", { when: moment(data.silent_since, locale) })}
            </Alert>
          )}
          {may("manager") && (
            <Button
              sx={{ mt: 1 }}
              variant="outlined"
              color={isOff ? "primary" : "error"}
              onClick={() => setAsking(true)}
            >
              {text(isOff ? "settings.resume" : "settings.stop")}
            </Button>
          )}
        </>
      )}
      <ActionDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={text(isOff ? "settings.resume" : "settings.stop")}
        text={isOff ? undefined : text("settings.stop_text")}
        confirm={text(isOff ? "settings.resume" : "settings.stop")}
        danger={!isOff}
        run={async () => {
          await post(isOff ? "/sending/resume" : "/sending/stop");
          return text("raffles.done");
        }}
      />
    </Card>
  );
}

function NumberCard() {
  const text = useText();
  const { identity } = useGetIdentity();
  const { data } = useApi<{ number: string | null }>("/number", undefined, {
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Card component="section" sx={{ p: 2 }}>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {text("settings.number")}
      </Typography>
      <Typography>{data ? (data.number ?? text("raffles.link_missing")) : text("app.loading")}</Typography>
      <Typography sx={{ mt: 1.5 }}>{text("app.signed_in_as", { name: identity?.fullName ?? "" })}</Typography>
      <TextLink href={`${API}/docs`} target="_blank" rel="noopener" sx={{ display: "inline-block", py: 1 }}>
        {text("settings.version")}
      </TextLink>
    </Card>
  );
}
