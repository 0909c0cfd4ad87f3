import { beforeAll, expect, test, vi } from "vitest";
import { ago, moment, money, numberList, padded, regionOf } from "../src/format";

const NBSP = "\u00a0";

beforeAll(() => vi.stubGlobal("navigator", { languages: ["en-US", "pt-BR"] }));

test("money has its currency's code and decimals", () => {
  expect(money(2500, "GTQ", "en")).toBe(`GTQ${NBSP}25.00`);
  expect(money(123456789, "BRL", "pt")).toBe(`BRL${NBSP}1.234.567,89`);
  expect(money(500, "CLP", "en")).toBe(`CLP${NBSP}500`);
});

test("the browser's own region of a language decides how numbers look", () => {
  expect(regionOf("es", ["en-US", "es-GT"])).toBe("es-GT");
  expect(regionOf("es", ["en-US"])).toBe("es-419");
});

test("a time of today is an hour, another one names its day", () => {
  const now = new Date("2026-11-30T18:00:00Z");
  expect(moment("2026-11-30T14:05:00Z", "en", now, "UTC")).toBe("14:05");
  expect(moment("2026-11-29T14:05:00Z", "en", now, "UTC")).toMatch(/Sun, Nov 29.*14:05/);
  // 05:30 UTC is still yesterday in Guatemala.
  expect(moment("2026-11-30T05:30:00Z", "en", now, "America/Guatemala")).toMatch(/29.*23:30/);
});

test("how long ago something was", () => {
  const now = new Date("2026-11-30T18:00:00Z");
  expect(ago("2026-11-30T17:55:00Z", "en", now)).toBe("5 minutes ago");
  expect(ago("2026-11-30T20:00:00Z", "en", now)).toBe("in 2 hours");
});

test("numbers are as wide as the last one, and long runs are short", () => {
  expect(padded(7, 999)).toBe("007");
  expect(numberList([5, 12, 99], 100)).toBe("005, 012, 099");
  expect(numberList([1, 2, 3, 4, 7], 9)).toBe("1–4, 7");
  expect(numberList([1, 2, 3], 9)).toBe("1, 2, 3");
});
