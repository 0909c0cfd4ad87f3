/** All orders: filtered, searched, and settled in bulk. */
import WarningIcon from "@mui/icons-material/WarningAmberOutlined";
import { Box } from "@mui/material";
import { type ReactNode, useState } from "react";
import { useListContext } from "react-admin";
import type { Order } from "../api/types";
import { Collection } from "../components/Collection";
import { ListScreen } from "../components/ListScreen";
import { Money, OrderStatusChip, When } from "../components/values";
import { numberList } from "../format";
import { useText } from "../i18n";
import { useMay } from "../permissions";
import { BulkBar } from "./BulkBar";
import { OrderFilters } from "./OrderFilters";

const SHOWN = 12; // numbers of an order in the list

export default function OrderList() {
  const text = useText();
  return (
    <ListScreen
      resource="orders"
      name={text("menu.orders")}
      filters={<OrderFilters />}
      empty={text("empty.orders")}
      emptyAtAll={text("empty.orders_none")}
    >
      <Orders />
    </ListScreen>
  );
}

function Orders() {
  const text = useText();
  const may = useMay();
  const { data = [] } = useListContext<Order>();
  const [ids, setIds] = useState<string[]>([]);
  const there = new Set(data.map((order) => order.id));
  const chosen = ids.filter((id) => there.has(id));
  const all = chosen.length === data.length;
  return (
    <>
      <Collection
        rows={data}
        label={text("menu.orders")}
        titleLabel={text("orders.code")}
        title={(order) => order.id}
        to={(order) => `/orders/${order.id}/show`}
        badge={(order) => (
          <>
            <OrderStatusChip status={order.status} /> <Suspicion order={order} />
          </>
        )}
        columns={[
          {
            label: text("orders.buyer"),
            value: (order) => order.expanded?.contact?.name || text("orders.no_name"),
          },
          { label: text("orders.raffle"), value: (order) => <Code>{order.expanded?.raffle?.code}</Code> },
          { label: text("orders.numbers"), value: (order) => <Numbers order={order} limit={SHOWN} /> },
          {
            label: text("orders.amount"),
            align: "right",
            value: (order) => <Money amount={order.amount} currency={order.currency} />,
          },
          { label: text("orders.created"), value: (order) => <When at={order.created_at} /> },
        ]}
        selection={
          may("cashier")
            ? {
                ids: chosen,
                toggle: (id) =>
                  setIds(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]),
                toggleAll: () => setIds(all ? [] : data.map((order) => order.id)),
                label: (code) => text("orders.select", { code }),
                labelAll: text("orders.select_all"),
              }
            : undefined
        }
      />
      <BulkBar ids={chosen} onDone={() => setIds([])} />
    </>
  );
}

function Code({ children }: { children: ReactNode }) {
  return <span style={{ whiteSpace: "nowrap" }}>{children}</span>;
}

export function Numbers({ order, limit }: { order: Order; limit?: number }) {
  const text = useText();
  const last = order.expanded?.raffle?.last_number ?? Math.max(0, ...order.numbers);
  const shown = limit ? order.numbers.slice(0, limit) : order.numbers;
  const more = order.numbers.length - shown.length;
  return `${numberList(shown, last)}${more > 0 ? ` ${text("orders.more_numbers", { count: more })}` : ""}`;
}

function Suspicion({ order }: { order: Order }) {
  const text = useText();
  const { same_file_as: same, looks_like: like } = order.proof ?? {};
  if (!same && !like) return null;
  const label = same
    ? text("review.same_file", { order: same })
    : text("review.looks_like", { order: like ?? "" });
  return (
    <Box component="span" title={label} sx={{ color: "error.main", verticalAlign: "middle" }}>
      <WarningIcon fontSize="small" titleAccess={label} />
    </Box>
  );
}
