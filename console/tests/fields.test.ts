import { expect, test } from "vitest";
import type { Raffle } from "../src/api/types";
import { bodyOf, fieldsOf, instant, minorUnits, NEW, wallClock } from "../src/raffles/fields";

test("an amount is read as people write it, and never rounded", () => {
  expect(minorUnits("25", "GTQ")).toBe(2500);
  expect(minorUnits("25,5", "BRL")).toBe(2550);
  expect(minorUnits("0.10", "USD")).toBe(10);
  expect(minorUnits("500", "CLP")).toBe(500);
  expect(minorUnits("1.234", "GTQ")).toBe("1.234");
  expect(minorUnits("abc", "GTQ")).toBe("abc");
  expect(minorUnits("", "GTQ")).toBeNull();
});

test("times are those of the raffle's own clock", () => {
  expect(instant("2026-12-20T18:00", "America/Guatemala")).toBe("2026-12-21T00:00:00.000Z");
  expect(wallClock("2026-12-21T00:00:00Z", "America/Guatemala")).toBe("2026-12-20T18:00");
  expect(instant("", "UTC")).toBeNull();
});

test("around a change of clocks, a time is still the one that was typed", () => {
  for (const clock of ["2026-03-08T01:30", "2026-03-08T03:30", "2026-11-01T03:00", "2026-10-31T23:59"]) {
    const at = instant(clock, "America/New_York");
    expect(wallClock(at, "America/New_York")).toBe(clock);
  }
});

test("a raffle that is opened and saved unchanged is the same", () => {
  const raffle = {
    ...bodyOf({
      ...NEW,
      title: "Bike",
      price: "25.00",
      code: "BIKE",
      draws_at: "2026-12-20T18:00",
      time_zone: "UTC",
    }),
    draw_method: "",
  } as unknown as Raffle;
  expect(bodyOf(fieldsOf(raffle))).toEqual(raffle);
});

test("what is no number is sent as it was typed, so that the API names the field", () => {
  expect(bodyOf({ ...NEW, last_number: "many" }).last_number).toBe("many");
});
