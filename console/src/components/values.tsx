/** Single values as people read them: money, times, statuses, progress. */
import { Box, Chip, type ChipProps, LinearProgress, Typography } from "@mui/material";
import { useLocale } from "react-admin";
import type { Availability, OrderStatus, RaffleStatus } from "../api/types";
import { ago, count, moment, money } from "../format";
import { useText } from "../i18n";

export function Money({ amount, currency }: { amount: number; currency: string }) {
  return <span style={{ whiteSpace: "nowrap" }}>{money(amount, currency, useLocale() ?? "en")}</span>;
}

export function Count({ value }: { value: number }) {
  return count(value, useLocale() ?? "en");
}

/** A time; how long ago it was is its title. */
export function When({
  at,
  zone,
  relative,
}: {
  at: string | null | undefined;
  zone?: string;
  relative?: boolean;
}) {
  const locale = useLocale() ?? "en";
  if (!at) return <span aria-hidden>–</span>;
  const [shown, title] = [moment(at, locale, new Date(), zone), ago(at, locale)];
  return (
    <time dateTime={at} title={relative ? shown : title} style={{ whiteSpace: "nowrap" }}>
      {relative ? title : shown}
    </time>
  );
}

const ORDER_COLOURS: Record<OrderStatus, ChipProps["color"]> = {
  DRAFT: "default",
  PENDING_PAYMENT: "info",
  IN_REVIEW: "warning",
  PAID: "success",
  EXPIRED: "default",
  CANCELLED: "default",
  LATE: "error",
  REFUNDED: "default",
};
const RAFFLE_COLOURS: Record<RaffleStatus, ChipProps["color"]> = {
  DRAFT: "default",
  ACTIVE: "success",
  INACTIVE: "warning",
  CLOSED: "info",
  DRAWN: "info",
  CANCELLED: "default",
};

export function OrderStatusChip({ status }: { status: OrderStatus }) {
  const text = useText();
  return (
    <Chip size="small" variant="outlined" color={ORDER_COLOURS[status]} label={text(`status.${status}`)} />
  );
}

export function RaffleStatusChip({ status }: { status: RaffleStatus }) {
  const text = useText();
  return (
    <Chip
      size="small"
      variant="outlined"
      color={RAFFLE_COLOURS[status]}
      label={text(`raffle_status.${status}`)}
    />
  );
}

/** How far a raffle is sold. The darker part is sold, the lighter one held. */
export function Progress({ availability }: { availability: Availability }) {
  const text = useText();
  const locale = useLocale() ?? "en";
  const { total, sold, reserved, available } = availability;
  const percent = (part: number) => (total ? (100 * part) / total : 0);
  const words = text("raffles.sold_of", {
    sold: count(sold, locale),
    held: count(reserved, locale),
    free: count(available, locale),
  });
  return (
    <Box sx={{ minWidth: 140 }}>
      <LinearProgress
        variant="buffer"
        aria-label={words}
        value={percent(sold)}
        valueBuffer={percent(sold + reserved)}
        sx={{
          height: 8,
          borderRadius: 4,
          bgcolor: "action.selected",
          "& .MuiLinearProgress-dashed": { display: "none" },
        }}
      />
      <Typography variant="body2" sx={{ color: "text.secondary", mt: 0.5 }}>
        {words}
      </Typography>
    </Box>
  );
}

/** Names and values below each other. */
export function Facts({ facts }: { facts: [string, React.ReactNode][] }) {
  return (
    <Box
      component="dl"
      sx={{ display: "grid", gridTemplateColumns: "auto 1fr", columnGap: 2, rowGap: 0.75, m: 0 }}
    >
      {facts.map(([name, value]) => (
        <Box key={name} sx={{ display: "contents" }}>
          <Typography component="dt" variant="body2" sx={{ color: "text.secondary", py: 0.25 }}>
            {name}
          </Typography>
          <Typography component="dd" sx={{ m: 0, overflowWrap: "anywhere", minWidth: 0 }}>
            {value}
          </Typography>
        </Box>
      ))}
    </Box>
  );
}
