/** Money, numbers and times, written as in the chat: by the reader's language and country, with the currency's code. */

const REGIONS: Record<string, string> = { en: "en-US", es: "es-419", pt: "pt-BR" };

/** Return the browser's own variety of a language, such as es-GT, or else a usual one. */
export function regionOf(locale: string, languages: readonly string[] = navigator.languages): string {
  const own = languages.find((tag) => tag.toLowerCase().startsWith(`${locale}-`));
  return own ?? REGIONS[locale] ?? locale;
}

export function decimalsOf(currency: string): number {
  return (
    new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2
  );
}

/** Format an amount in minor units: "GTQ 25.00". */
export function money(amount: number, currency: string, locale: string): string {
  const digits = decimalsOf(currency);
  const number = new Intl.NumberFormat(regionOf(locale), {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${currency}\u00a0${number.format(amount / 10 ** digits)}`;
}

export const count = (number: number, locale: string): string =>
  new Intl.NumberFormat(regionOf(locale)).format(number);

/** Format a time by this device's clock, or by that of a time zone: "14:30", with its day unless that is today. */
export function moment(at: string, locale: string, now: Date = new Date(), timeZone?: string): string {
  const date = new Date(at);
  const day = (one: Date) => new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(one);
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (day(date) === day(now))
    return new Intl.DateTimeFormat(regionOf(locale), { ...time, timeZone }).format(date);
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  const whole = { weekday: "short", day: "numeric", month: "short", year, ...time, timeZone } as const;
  return new Intl.DateTimeFormat(regionOf(locale), whole).format(date);
}

/** Format how long ago something was, or how long it takes still: "5 minutes ago". */
export function ago(at: string, locale: string, now: Date = new Date()): string {
  const seconds = (Date.parse(at) - now.getTime()) / 1000;
  const format = new Intl.RelativeTimeFormat(regionOf(locale), { numeric: "auto" });
  const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ];
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return format.format(Math.trunc(seconds / size), unit);
}

/** Write a number as wide as the raffle's last one: "007". */
export const padded = (number: number, last: number): string =>
  String(number).padStart(String(last).length, "0");

/** Numbers for people: "005, 012", and runs as "100–120". */
export function numberList(numbers: readonly number[], last: number): string {
  const parts: string[] = [];
  for (let at = 0; at < numbers.length; ) {
    const from = at;
    while (numbers[at + 1] === (numbers[at] ?? 0) + 1) at += 1;
    const length = at - from + 1;
    if (length >= 4) parts.push(`${padded(numbers[from] ?? 0, last)}–${padded(numbers[at] ?? 0, last)}`);
    else for (let n = from; n <= at; n += 1) parts.push(padded(numbers[n] ?? 0, last));
    at += 1;
  }
  return parts.join(", ");
}
