/** Who has a number: its order, its buyer, and the way to their history. */
import { Button, Dialog, DialogActions, DialogContent, DialogTitle, Typography } from "@mui/material";
import { useGetOne } from "react-admin";
import { Link } from "react-router-dom";
import type { Contact, Listed, Order, Raffle, TicketStatus } from "../api/types";
import { useApi } from "../api/useApi";
import { Failed, Loading } from "../components/states";
import { Facts, Money, OrderStatusChip, When } from "../components/values";
import { padded } from "../format";
import { useText } from "../i18n";

interface Ticket {
  number: number;
  status: TicketStatus;
  order: string | null;
  contact: string | null;
}

export function NumberDialog({
  raffle,
  number,
  onClose,
}: {
  raffle: Raffle;
  number: number;
  onClose: () => void;
}) {
  const text = useText();
  const { data, error, refetch } = useApi<Listed<Ticket>>(
    `/raffles/${raffle.id}/tickets`,
    { number },
    { staleTime: 0 },
  );
  const ticket = data?.results[0];
  const { data: order } = useGetOne<Order>(
    "orders",
    { id: ticket?.order ?? "" },
    { enabled: Boolean(ticket?.order) },
  );
  const { data: contact } = useGetOne<Contact>(
    "contacts",
    { id: ticket?.contact ?? "" },
    { enabled: Boolean(ticket?.contact) },
  );
  const facts: [string, React.ReactNode][] = order
    ? [
        [text("orders.buyer"), contact?.name || contact?.phone || text("orders.no_name")],
        [text("contacts.phone"), contact?.phone ?? "–"],
        [text("board.order"), order.id],
        [text("orders.status"), <OrderStatusChip key="status" status={order.status} />],
        [text("orders.amount"), <Money key="amount" amount={order.amount} currency={order.currency} />],
        [text("orders.created"), <When key="at" at={order.created_at} zone={raffle.time_zone} />],
        ...(order.reserved_until
          ? [
              [text("orders.held_until"), <When key="until" at={order.reserved_until} />] as [
                string,
                React.ReactNode,
              ],
            ]
          : []),
      ]
    : [];
  return (
    <Dialog open onClose={onClose} aria-labelledby="number" fullWidth maxWidth="xs">
      <DialogTitle id="number">
        {text("board.number", { number: padded(number, raffle.last_number) })}
        {ticket && ` · ${text(`ticket_status.${ticket.status}`)}`}
      </DialogTitle>
      <DialogContent>
        {error ? (
          <Failed error={error} onRetry={() => refetch()} />
        ) : !ticket ? (
          <Loading />
        ) : ticket.order === null ? (
          <Typography>{text("board.free")}</Typography>
        ) : order ? (
          <Facts facts={facts} />
        ) : (
          <Loading />
        )}
      </DialogContent>
      <DialogActions>
        <Button onClick={onClose} autoFocus>
          {text("app.close")}
        </Button>
        {order && (
          <>
            <Button component={Link} to={`/contacts/${order.contact}/show`}>
              {text("contacts.chat")}
            </Button>
            <Button component={Link} to={`/orders/${order.id}/show`} variant="contained">
              {text("board.order")}
            </Button>
          </>
        )}
      </DialogActions>
    </Dialog>
  );
}
