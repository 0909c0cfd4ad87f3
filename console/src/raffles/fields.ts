/** A raffle as its form has it: text in every field, so that nothing that was typed is lost. */
import type { Json } from "../api/client";
import type { Raffle } from "../api/types";
import { decimalsOf } from "../format";

export interface Fields {
  title: string;
  prize: string;
  description: string;
  code: string;
  currency: string;
  price: string;
  first_number: string;
  last_number: string;
  hold_minutes: string;
  max_per_contact: string;
  payment_instructions: string;
  organiser: string;
  organiser_contact: string;
  permit_authority: string;
  permit_number: string;
  draw_method: string;
  rules_url: string;
  minimum_age: string;
  language: string;
  time_zone: string;
  opens_at: string;
  closes_at: string;
  draws_at: string;
}

export const NEW: Fields = {
  title: "",
  prize: "",
  description: "",
  code: "",
  currency: "GTQ",
  price: "",
  first_number: "1",
  last_number: "100",
  hold_minutes: "15",
  max_per_contact: "",
  payment_instructions: "",
  organiser: "",
  organiser_contact: "",
  permit_authority: "",
  permit_number: "",
  draw_method: "",
  rules_url: "",
  minimum_age: "",
  language: "",
  time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  opens_at: "",
  closes_at: "",
  draws_at: "",
};

/** Which fields of the form an error of the API is about. */
export const FIELD_OF: Record<string, keyof Fields> = {
  unit_amount: "price",
  "organiser.name": "organiser",
  "organiser.contact": "organiser_contact",
  "permit.authority": "permit_authority",
  "permit.number": "permit_number",
};

export function fieldsOf(raffle: Raffle): Fields {
  const text = (value: unknown) => (value === null || value === undefined ? "" : String(value));
  const zone = raffle.time_zone;
  return {
    title: raffle.title,
    prize: raffle.prize,
    description: raffle.description,
    code: raffle.code,
    currency: raffle.currency,
    price: (raffle.unit_amount / 10 ** decimalsOf(raffle.currency)).toFixed(decimalsOf(raffle.currency)),
    first_number: text(raffle.first_number),
    last_number: text(raffle.last_number),
    hold_minutes: text(raffle.hold_minutes),
    max_per_contact: text(raffle.max_per_contact),
    payment_instructions: raffle.payment_instructions,
    organiser: raffle.organiser?.name ?? "",
    organiser_contact: raffle.organiser?.contact ?? "",
    permit_authority: raffle.permit?.authority ?? "",
    permit_number: raffle.permit?.number ?? "",
    draw_method: text(raffle.draw_method),
    rules_url: text(raffle.rules_url),
    minimum_age: text(raffle.minimum_age),
    language: raffle.language ?? "",
    time_zone: zone,
    opens_at: wallClock(raffle.opens_at, zone),
    closes_at: wallClock(raffle.closes_at, zone),
    draws_at: wallClock(raffle.draws_at, zone),
  };
}

/** The body that these fields stand for. What is no number is left as it was typed: the API names the field. */
export function bodyOf(fields: Fields): Json {
  const whole = (value: string) => (value.trim() === "" ? null : numberOr(value));
  const filled = (value: string) => (value.trim() === "" ? null : value.trim());
  return {
    title: fields.title,
    prize: fields.prize,
    description: fields.description,
    ...(fields.code.trim() ? { code: fields.code.trim() } : {}),
    currency: fields.currency.toUpperCase(),
    unit_amount: minorUnits(fields.price, fields.currency),
    first_number: whole(fields.first_number),
    last_number: whole(fields.last_number),
    hold_minutes: whole(fields.hold_minutes),
    max_per_contact: whole(fields.max_per_contact),
    payment_instructions: fields.payment_instructions,
    organiser: fields.organiser.trim()
      ? { name: fields.organiser.trim(), contact: filled(fields.organiser_contact) }
      : null,
    permit: fields.permit_authority.trim()
      ? { authority: fields.permit_authority.trim(), number: fields.permit_number.trim() }
      : null,
    draw_method: fields.draw_method,
    rules_url: filled(fields.rules_url),
    minimum_age: whole(fields.minimum_age),
    language: filled(fields.language),
    time_zone: fields.time_zone,
    opens_at: instant(fields.opens_at, fields.time_zone),
    closes_at: instant(fields.closes_at, fields.time_zone),
    draws_at: instant(fields.draws_at, fields.time_zone),
  };
}

function numberOr(value: string): number | string {
  return /^-?\d+$/.test(value.trim()) ? Number(value) : value;
}

/** Read "25", "25.00" or "25,50" as minor units. What is no amount stays as it was typed. */
export function minorUnits(price: string, currency: string): number | string | null {
  if (price.trim() === "") return null;
  const digits = knownDecimals(currency);
  const found = /^(\d+)(?:[.,](\d+))?$/.exec(price.trim());
  if (!found || (found[2] ?? "").length > digits) return price;
  return Number(found[1] + (found[2] ?? "").padEnd(digits, "0"));
}

function knownDecimals(currency: string): number {
  try {
    return decimalsOf(currency);
  } catch {
    return 2; // no currency: the API says so
  }
}

/** The clock of a time zone at a moment, as an input of the browser has it: "2026-12-20T18:00". */
export function wallClock(at: string | null, zone: string): string {
  if (!at) return "";
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(new Date(at));
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}T${part("hour")}:${part("minute")}`;
}

/** The moment at which the clock of a time zone shows this, or null. */
export function instant(clock: string, zone: string): string | null {
  if (!clock) return null;
  const wanted = Date.parse(`${clock}Z`);
  if (Number.isNaN(wanted)) return clock;
  try {
    // Two steps: the offset at the first guess may be that of the other side of a change of clocks.
    let guess = wanted;
    for (let tries = 0; tries < 2; tries += 1)
      guess += wanted - Date.parse(`${wallClock(new Date(guess).toISOString(), zone)}Z`);
    return new Date(guess).toISOString();
  } catch {
    return clock; // no time zone: the API says so
  }
}
