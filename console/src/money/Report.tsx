/** The money of a raffle: by day and by price, and whether the counts agree. */
import { Alert, Box, Card, Typography } from "@mui/material";
import { useLocale } from "react-admin";
import type { Part, Raffle } from "../api/types";
import { useApi } from "../api/useApi";
import { Collection } from "../components/Collection";
import { Empty, Failed, Loading } from "../components/states";
import { Count, Facts, Money } from "../components/values";
import { regionOf } from "../format";
import { useText } from "../i18n";

interface ReportData {
  currency: string;
  sold: { numbers: number; amount: number };
  confirmed: Part;
  refunded: Part;
  kept: number;
  prices: (Part & { unit_amount: number })[];
  days: { date: string; orders: number; numbers: number; amount: number; refunded: number }[];
  differences: { code: string; text: string }[];
}

export function Report({ raffle }: { raffle: Raffle }) {
  const text = useText();
  const locale = useLocale() ?? "en";
  const { data, error, refetch } = useApi<ReportData>(`/raffles/${raffle.id}/report`);
  if (error) return <Failed error={error} onRetry={() => refetch()} />;
  if (!data) return <Loading />;
  const { currency } = data;
  const sum = (part: Part) => (
    <span>
      <strong>
        <Money amount={part.amount} currency={currency} />
      </strong>{" "}
      · {text("home.orders_paid", { smart_count: part.orders })}
    </span>
  );
  const day = new Intl.DateTimeFormat(regionOf(locale), { dateStyle: "medium", timeZone: "UTC" });
  return (
    <Box sx={{ display: "grid", gap: 2 }}>
      {data.differences.length > 0 && (
        <Alert severity="error">
          {text("money.differs")}
          <ul>
            {data.differences.map((one) => (
              <li key={one.code}>{one.text}</li>
            ))}
          </ul>
        </Alert>
      )}
      <Card sx={{ p: 2 }}>
        <Facts
          facts={[
            [text("money.confirmed"), sum(data.confirmed)],
            [text("money.refunded"), sum(data.refunded)],
            [text("money.kept"), <Money key="kept" amount={data.kept} currency={currency} />],
          ]}
        />
      </Card>
      <Figures
        title={text("money.by_day")}
        first={text("money.day")}
        currency={currency}
        empty={text("money.no_days")}
        rows={data.days.map((one) => ({ ...one, id: one.date, name: day.format(new Date(one.date)) }))}
      />
      <Figures
        title={text("money.by_price")}
        first={text("raffles.price")}
        currency={currency}
        empty={text("money.no_days")}
        rows={data.prices.map((one) => ({
          ...one,
          id: String(one.unit_amount),
          name: <Money amount={one.unit_amount} currency={currency} />,
        }))}
      />
    </Box>
  );
}

interface Row {
  id: string;
  name: React.ReactNode;
  orders: number;
  numbers: number;
  amount: number;
}

function Figures(props: { title: string; first: string; rows: Row[]; currency: string; empty: string }) {
  const text = useText();
  return (
    <section>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {props.title}
      </Typography>
      {props.rows.length === 0 ? (
        <Empty>{props.empty}</Empty>
      ) : (
        <Collection
          rows={props.rows}
          label={props.title}
          titleLabel={props.first}
          title={(row) => row.name}
          columns={[
            { label: text("money.orders"), align: "right", value: (row) => <Count value={row.orders} /> },
            { label: text("money.numbers"), align: "right", value: (row) => <Count value={row.numbers} /> },
            {
              label: text("money.amount"),
              align: "right",
              value: (row) => <Money amount={row.amount} currency={props.currency} />,
            },
          ]}
        />
      )}
    </section>
  );
}
