/** What needs me now, how sales go, and how far each raffle is. Refreshes by itself while it is visible. */

import CheckCircleIcon from "@mui/icons-material/CheckCircleOutlined";
import ChevronRightIcon from "@mui/icons-material/ChevronRight";
import {
  Alert,
  Box,
  Button,
  Card,
  Chip,
  List,
  ListItem,
  ListItemButton,
  ListItemText,
  Typography,
} from "@mui/material";
import type { ReactNode } from "react";
import { useLocale } from "react-admin";
import { Link } from "react-router-dom";
import type { Stats } from "../api/types";
import { useApi } from "../api/useApi";
import { Screen } from "../components/Screen";
import { Failed, Loading } from "../components/states";
import { Money, Progress } from "../components/values";
import { ago, moment } from "../format";
import { type TextKey, useText } from "../i18n";
import en from "../i18n/en";
import { needsOf } from "./needs";

const REFRESH = 20_000;

export default function Home() {
  const text = useText();
  const { data, error, refetch } = useApi<Stats>("/stats", undefined, {
    refetchInterval: REFRESH,
    refetchIntervalInBackground: false,
  });
  return (
    <Screen title={text("home.title")} name={text("home.title")}>
      {error ? (
        <Failed error={error} onRetry={() => refetch()} />
      ) : data ? (
        <Figures stats={data} />
      ) : (
        <Loading />
      )}
    </Screen>
  );
}

function Figures({ stats }: { stats: Stats }) {
  const text = useText();
  const locale = useLocale() ?? "en";
  return (
    <Box
      sx={{ display: "grid", gap: 2, alignItems: "start", gridTemplateColumns: { xs: "1fr", lg: "1fr 1fr" } }}
    >
      <Box sx={{ display: "grid", gap: 2 }}>
        <Needs stats={stats} />
        <Part title={text("home.sales")}>
          {stats.sales.length === 0 && <Quiet>{text("home.no_sales")}</Quiet>}
          {stats.sales.map((sales) => (
            <Box
              key={sales.currency}
              sx={{ display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(150px, 1fr))", gap: 2 }}
            >
              <Figure
                name={text("home.today")}
                detail={text("home.orders_paid", { smart_count: sales.today.orders })}
              >
                <Money amount={sales.today.amount} currency={sales.currency} />
              </Figure>
              <Figure
                name={text("home.week")}
                detail={text("home.orders_paid", { smart_count: sales.last_7_days.orders })}
              >
                {!stats.sales_are_complete && `${text("home.at_least")} `}
                <Money amount={sales.last_7_days.amount} currency={sales.currency} />
              </Figure>
            </Box>
          ))}
        </Part>
        <Part title={text("home.understood")}>
          <Understood stats={stats} />
        </Part>
      </Box>
      <Part
        title={text("home.raffles")}
        action={
          <Button component={Link} to="/raffles">
            {text("home.all_raffles")}
          </Button>
        }
      >
        {stats.active.length === 0 && <Quiet>{text("home.no_raffles")}</Quiet>}
        <Box sx={{ display: "grid", gap: 2 }}>
          {stats.active.map((raffle) => (
            <Box key={raffle.id}>
              <Typography component="div" sx={{ fontWeight: 650, overflowWrap: "anywhere", mb: 0.5 }}>
                <Box component={Link} to={`/raffles/${raffle.id}/show`} sx={{ color: "inherit", py: 1 }}>
                  {raffle.title}
                </Box>{" "}
                <Chip size="small" label={raffle.code} />
              </Typography>
              <Progress availability={raffle.availability} />
            </Box>
          ))}
        </Box>
        <Typography variant="body2" sx={{ color: "text.secondary", mt: 2 }}>
          {text("home.refreshed", { when: moment(stats.made_at, locale) })}
        </Typography>
      </Part>
    </Box>
  );
}

function Needs({ stats }: { stats: Stats }) {
  const text = useText();
  const locale = useLocale() ?? "en";
  const needs = needsOf(stats);
  // What could not be handled is in the list below, with how much there is.
  const alarms = stats.alarms.filter((alarm) => alarm.code !== "dead_letters");
  return (
    <Part title={text("home.now")}>
      {alarms.map((alarm) => (
        <Alert
          key={alarm.code}
          severity={alarm.code === "sending_paused" ? "warning" : "error"}
          sx={{ mb: 1 }}
          action={<SettingsLink />}
        >
          {alarm.code in en.alarms ? text(`alarms.${alarm.code}` as TextKey) : alarm.text}{" "}
          {alarm.since && text("settings.since", { when: moment(alarm.since, locale) })}
        </Alert>
      ))}
      {needs.length === 0 && alarms.length === 0 && (
        <Box sx={{ display: "flex", gap: 1, alignItems: "center", color: "success.main", minHeight: 44 }}>
          <CheckCircleIcon />
          {text("home.calm")}
        </Box>
      )}
      <List disablePadding>
        {needs.map((need) => (
          <ListItem key={need.label} disablePadding>
            <ListItemButton component={Link} to={need.to} sx={{ minHeight: 48, borderRadius: 2, px: 1 }}>
              <ListItemText
                primary={
                  <>
                    {need.complete === false && `${text("home.at_least")} `}
                    {text(need.label, { smart_count: need.count })}
                  </>
                }
                secondary={need.oldest && text("home.oldest", { when: ago(need.oldest, locale) })}
                slotProps={{
                  primary: { sx: { fontWeight: 650, color: need.urgent ? "error.main" : "text.primary" } },
                }}
              />
              <ChevronRightIcon />
            </ListItemButton>
          </ListItem>
        ))}
      </List>
    </Part>
  );
}

function Quiet({ children }: { children: ReactNode }) {
  return <Typography sx={{ color: "text.secondary" }}>{children}</Typography>;
}

function SettingsLink() {
  const text = useText();
  return (
    <Button color="inherit" component={Link} to="/settings">
      {text("app.open")}
    </Button>
  );
}

function Understood({ stats }: { stats: Stats }) {
  const text = useText();
  const { messages, not_understood, share } = stats.understanding;
  if (share === null)
    return <Typography sx={{ color: "text.secondary" }}>{text("home.understood_none")}</Typography>;
  return (
    <Figure name={text("home.understood_detail", { missed: not_understood, all: messages })}>
      {Math.round(share * 100)} %
    </Figure>
  );
}

function Part({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <Card component="section" sx={{ p: 2 }}>
      <Box sx={{ display: "flex", alignItems: "center", mb: 1 }}>
        <Typography variant="h2" sx={{ flex: 1 }}>
          {title}
        </Typography>
        {action}
      </Box>
      {children}
    </Card>
  );
}

function Figure({ name, detail, children }: { name: string; detail?: string; children: ReactNode }) {
  return (
    <Box>
      <Typography variant="body2" sx={{ color: "text.secondary" }}>
        {name}
      </Typography>
      <Typography sx={{ fontSize: "1.5rem", fontWeight: 650 }}>{children}</Typography>
      {detail && (
        <Typography variant="body2" sx={{ color: "text.secondary" }}>
          {detail}
        </Typography>
      )}
    </Box>
  );
}
