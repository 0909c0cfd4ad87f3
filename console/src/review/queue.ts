/** Which order of the queue comes next. */
import type { Order } from "../api/types";

/**
 * Return the order that follows in a direction, or undefined if there is none. Orders that somebody else has open are
 * passed over; the queue begins anew after its end.
 */
export function step(
  queue: readonly Order[],
  from: Order,
  by: 1 | -1,
  isOthers: (order: Order) => boolean,
): Order | undefined {
  const at = queue.findIndex((order) => order.id === from.id);
  for (let steps = 1; steps < queue.length; steps += 1) {
    const order = queue[(at + by * steps + steps * queue.length) % queue.length];
    if (order && order.id !== from.id && !isOthers(order)) return order;
  }
  return undefined;
}
