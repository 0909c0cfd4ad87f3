/** What waits for somebody. */
import type { Stats, Waiting } from "../api/types";
import type { TextKey } from "../i18n";

interface Need {
  label: TextKey;
  count: number;
  oldest?: string | null;
  complete?: boolean;
  to: string;
  urgent?: boolean;
}

/** Return what waits for somebody, the most urgent first. */
export function needsOf(stats: Stats): Need[] {
  const orders = (status: string) => stats.orders[status] as Waiting;
  const need = (label: TextKey, waiting: Waiting, to: string, urgent = false): Need => ({
    label,
    count: waiting.count,
    oldest: waiting.oldest_at,
    complete: waiting.is_complete,
    to,
    urgent,
  });
  const list = (status: string) =>
    `/orders?filter=${encodeURIComponent(JSON.stringify({ status: [status] }))}`;
  return [
    need("home.in_review", orders("IN_REVIEW"), "/review", stats.reviews.overdue > 0),
    need("home.late", orders("LATE"), list("LATE"), true),
    need(
      "home.people",
      stats.people_waiting,
      `/contacts?filter=${encodeURIComponent('{"person_wanted":true}')}`,
      true,
    ),
    need("home.undelivered", stats.undelivered, "/undelivered"),
    need("home.letters", stats.dead_letters, "/undelivered?tab=letters"),
    { label: "home.ending" as const, count: stats.holds_ending.count, to: list("PENDING_PAYMENT") },
    need("home.pending", orders("PENDING_PAYMENT"), list("PENDING_PAYMENT")),
  ].filter((one) => one.count > 0);
}
