/** Days of this device's clock, as inputs of the browser have them, and the moments that they stand for. */

/** The first moment of a day, or that after it, by this device's clock. */
export function dayToMoment(day: string, plusDays = 0): string | undefined {
  if (!day) return undefined;
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year ?? 0, (month ?? 1) - 1, (date ?? 1) + plusDays).toISOString();
}

export function momentToDay(at: string | undefined, plusDays = 0): string {
  if (!at) return "";
  const date = new Date(at);
  date.setDate(date.getDate() + plusDays);
  const two = (part: number) => String(part).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
