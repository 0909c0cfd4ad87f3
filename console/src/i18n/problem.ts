/** Words for what went wrong. */
import { Problem } from "../api/client";
import en from "./en";
import type { TextKey, Values } from "./index";

type Text = (key: TextKey, values?: Values) => string;

/** Say what went wrong and what to do, in the reader's language. */
export function explain(error: unknown, text: Text): string {
  const code = error instanceof Problem ? error.code : "unknown";
  if (code in en.problems) return text(`problems.${code}` as TextKey, { code });
  if (error instanceof Problem && error.status === 404) return text("problems.not_found");
  return text("problems.unknown", { code });
}

/** The API's own words about each field, which are English. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof Problem)) return {};
  return Object.fromEntries(error.errors.map(({ field, message }) => [field, message]));
}
