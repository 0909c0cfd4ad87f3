import { expect, test } from "vitest";
import { dayToMoment, momentToDay } from "../src/days";

test("a day begins at midnight of this device, and the last one is whole", () => {
  const [from, until] = [dayToMoment("2026-11-30"), dayToMoment("2026-11-30", 1)];
  expect(Date.parse(until ?? "") - Date.parse(from ?? "")).toBe(86_400_000);
  expect(momentToDay(from)).toBe("2026-11-30");
  expect(momentToDay(until, -1)).toBe("2026-11-30");
});

test("no day is no moment", () => {
  expect(dayToMoment("")).toBeUndefined();
  expect(momentToDay(undefined)).toBe("");
});
