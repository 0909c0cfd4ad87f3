/** Money: a bank statement matched with orders, the report of a raffle, and exports. */
import { MenuItem, Tab, Tabs, TextField } from "@mui/material";
import { useSearchParams } from "react-router-dom";
import { useRaffles } from "../components/raffleOptions";
import { Screen } from "../components/Screen";
import { Empty } from "../components/states";
import { useText } from "../i18n";
import { Exports } from "./Exports";
import { Report } from "./Report";
import { Statement } from "./Statement";

const TABS = ["statement", "report", "exports"] as const;
type TabName = (typeof TABS)[number];

export default function Money() {
  const text = useText();
  const raffles = useRaffles();
  const [search, setSearch] = useSearchParams();
  const raffle = search.get("raffle") ?? "";
  const wanted = search.get("tab") as TabName | null;
  const tab = wanted && TABS.includes(wanted) ? wanted : raffle ? "report" : "statement";
  const chosen = raffles.find((one) => one.id === raffle);
  const go = (changes: Record<string, string>) =>
    setSearch(Object.fromEntries(Object.entries({ tab, raffle, ...changes }).filter(([, value]) => value)));
  return (
    <Screen title={text("money.title")} name={text("money.title")}>
      <Tabs value={tab} onChange={(_, one: TabName) => go({ tab: one })} sx={{ mb: 2 }}>
        {TABS.map((one) => (
          <Tab key={one} value={one} label={text(`money.${one}`)} />
        ))}
      </Tabs>
      {tab !== "statement" && (
        <TextField
          select
          label={text("money.choose_raffle")}
          value={chosen ? raffle : ""}
          onChange={(event) => go({ raffle: event.target.value })}
          sx={{ maxWidth: 420, mb: 2 }}
        >
          {raffles.map((one) => (
            <MenuItem key={one.id} value={one.id}>
              {one.code} · {one.title}
            </MenuItem>
          ))}
        </TextField>
      )}
      {tab === "statement" ? (
        <Statement />
      ) : !chosen ? (
        <Empty>{text("money.choose_first")}</Empty>
      ) : tab === "report" ? (
        <Report raffle={chosen} />
      ) : (
        <Exports raffle={chosen} />
      )}
    </Screen>
  );
}
