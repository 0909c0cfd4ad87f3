/** What happened around an order: messages, proofs, decisions, with who and when. */

import ChatIcon from "@mui/icons-material/ChatBubbleOutlineOutlined";
import CampaignIcon from "@mui/icons-material/GavelOutlined";
import ReceiptIcon from "@mui/icons-material/ReceiptOutlined";
import TimerIcon from "@mui/icons-material/TimerOutlined";
import { Box, Button, Card, Typography } from "@mui/material";
import { useState } from "react";
import type { Message, Order, Proof } from "../api/types";
import { useApi } from "../api/useApi";
import { ChatText } from "../components/ChatText";
import { Failed, Loading } from "../components/states";
import { When } from "../components/values";
import { type TextKey, useText } from "../i18n";
import en from "../i18n/en";

interface Event {
  at: string;
  kind: "held" | "proof" | "action" | "message";
  proof: Proof | null;
  action: { action: string; by: string; after: Record<string, unknown> } | null;
  message: Message | null;
}

const ICONS = {
  held: <TimerIcon fontSize="small" />,
  proof: <ReceiptIcon fontSize="small" />,
  action: <CampaignIcon fontSize="small" />,
  message: <ChatIcon fontSize="small" />,
};
const FEW = 12;

export function Timeline({ order, zone }: { order: Order; zone?: string }) {
  const text = useText();
  const [all, setAll] = useState(false);
  const { data, error, refetch } = useApi<{ events: Event[]; is_complete: boolean }>(
    `/orders/${order.id}/timeline`,
  );
  // That somebody looked is in the audit log; here it would hide what happened.
  const events = (data?.events ?? []).filter((event) => !event.action?.action.endsWith(".read")).reverse();
  const shown = all ? events : events.slice(0, FEW);
  return (
    <Card component="section" sx={{ p: 2 }}>
      <Typography variant="h2" sx={{ mb: 1 }}>
        {text("orders.timeline")}
      </Typography>
      {error ? <Failed error={error} onRetry={() => refetch()} /> : !data && <Loading />}
      <Box component="ol" sx={{ listStyle: "none", m: 0, p: 0, display: "grid", gap: 1.25 }}>
        {shown.map((event, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two events may be the same, and none ever moves
          <Box component="li" key={`${event.at}-${at}`} sx={{ display: "flex", gap: 1.25 }}>
            <Box aria-hidden sx={{ color: "text.secondary", pt: 0.25 }}>
              {ICONS[event.kind]}
            </Box>
            <Box sx={{ flex: 1, minWidth: 0 }}>
              <What event={event} />
              <Typography variant="body2" sx={{ color: "text.secondary" }}>
                <When at={event.at} zone={zone} />
                {event.action && ` · ${event.action.by}`}
                {event.message?.by && ` · ${event.message.by}`}
              </Typography>
            </Box>
          </Box>
        ))}
      </Box>
      {!all && events.length > FEW && (
        <Button onClick={() => setAll(true)}>{text("timeline.all", { count: events.length })}</Button>
      )}
    </Card>
  );
}

function What({ event }: { event: Event }) {
  const text = useText();
  if (event.kind === "held") return <Typography>{text("timeline.held")}</Typography>;
  if (event.kind === "proof") return <Typography>{text("timeline.proof")}</Typography>;
  if (event.action) {
    const reason = event.action.after.rejected_reason ?? event.action.after.refund_reason;
    return (
      <Typography sx={{ fontWeight: 650, overflowWrap: "anywhere" }}>
        {actionName(event.action.action, text)}
        {typeof reason === "string" && `: ${reason}`}
      </Typography>
    );
  }
  const said = event.message?.text || `(${event.message?.kind})`;
  return (
    <Typography
      sx={{
        overflowWrap: "anywhere",
        display: "-webkit-box",
        WebkitLineClamp: 2,
        WebkitBoxOrient: "vertical",
        overflow: "hidden",
      }}
    >
      <strong>{text(event.message?.direction === "in" ? "timeline.buyer" : "timeline.us")}</strong>{" "}
      <ChatText text={said} />
    </Typography>
  );
}

/** Words for an action of the audit log; its own name if there are none. */
export function actionName(action: string, text: ReturnType<typeof useText>): string {
  const key = action.replaceAll(".", "_").replaceAll("-", "_");
  return key in en.audit_actions ? text(`audit_actions.${key}` as TextKey) : action;
}
