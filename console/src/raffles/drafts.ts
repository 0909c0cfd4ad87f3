/** What is typed into the form of a raffle, kept in the tab until it is saved or given up. */
import type { Fields } from "./fields";

const keyOf = (name: string) => `tombola.draft.${name}`;

export function keepDraft(name: string, fields: Partial<Fields>): void {
  sessionStorage.setItem(keyOf(name), JSON.stringify(fields));
}

export function readDraft(name: string): Partial<Fields> {
  return JSON.parse(sessionStorage.getItem(keyOf(name)) ?? "{}") as Partial<Fields>;
}

export function forgetDraft(name: string): void {
  sessionStorage.removeItem(keyOf(name));
}
