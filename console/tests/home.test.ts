import { expect, test } from "vitest";
import type { Stats, Waiting } from "../src/api/types";
import { needsOf } from "../src/home/needs";

const waiting = (count = 0): Waiting => ({ count, oldest_at: null, is_complete: true });
const stats = (changes: Partial<Stats> = {}): Stats =>
  ({
    orders: { IN_REVIEW: waiting(), LATE: waiting(), PENDING_PAYMENT: waiting(), DRAFT: waiting() },
    people_waiting: waiting(),
    undelivered: waiting(),
    dead_letters: waiting(),
    holds_ending: { count: 0, first_until: null },
    reviews: { under_an_hour: 0, under_a_day: 0, longer: 0, overdue: 0 },
    ...changes,
  }) as Stats;

test("nothing is needed while nothing waits", () => {
  expect(needsOf(stats())).toEqual([]);
});

test("proofs come first, and lead to the queue", () => {
  const orders = { IN_REVIEW: waiting(2), LATE: waiting(1), PENDING_PAYMENT: waiting(3), DRAFT: waiting() };
  const needs = needsOf(stats({ orders, people_waiting: waiting(1) }));
  expect(needs.map((need) => need.label)).toEqual([
    "home.in_review",
    "home.late",
    "home.people",
    "home.pending",
  ]);
  expect(needs[0]?.to).toBe("/review");
});

test("a proof that waits for longer than its raffle allows is urgent", () => {
  const orders = { IN_REVIEW: waiting(1), LATE: waiting(), PENDING_PAYMENT: waiting(), DRAFT: waiting() };
  const reviews = { under_an_hour: 0, under_a_day: 0, longer: 1, overdue: 1 };
  expect(needsOf(stats({ orders }))[0]?.urgent).toBe(false);
  expect(needsOf(stats({ orders, reviews }))[0]?.urgent).toBe(true);
});
