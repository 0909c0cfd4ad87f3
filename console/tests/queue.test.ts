import { expect, test } from "vitest";
import type { Order } from "../src/api/types";
import { step } from "../src/review/queue";

const order = (id: string, reviewer: string | null = null) => ({ id, reviewer }) as Order;
const isOthers = (one: Order) => one.reviewer !== null;

test("the next order is the one after, and the queue begins anew", () => {
  const [a, b, c] = [order("A"), order("B"), order("C")];
  expect(step([a, b, c], a, 1, isOthers)).toBe(b);
  expect(step([a, b, c], c, 1, isOthers)).toBe(a);
  expect(step([a, b, c], a, -1, isOthers)).toBe(c);
});

test("what somebody else has open is passed over", () => {
  const [a, b, c] = [order("A"), order("B", "Olga"), order("C")];
  expect(step([a, b, c], a, 1, isOthers)).toBe(c);
  expect(step([a, b], a, 1, isOthers)).toBeUndefined();
});

test("alone in the queue, nothing comes next", () => {
  expect(step([order("A")], order("A"), 1, isOthers)).toBeUndefined();
});
