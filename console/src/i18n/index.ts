/** The languages of the console. A catalogue that lacks an entry, or has one too many, does not build. */

import polyglotI18nProvider from "ra-i18n-polyglot";
import { useTranslate } from "react-admin";
import en from "./en";

/** What every catalogue must have: the entries of the English one. */
export type Messages = typeof en;

type Keys<T, Prefix extends string = ""> = {
  [K in keyof T & string]: T[K] extends string ? `${Prefix}${K}` : Keys<T[K], `${Prefix}${K}.`>;
}[keyof T & string];

export type TextKey = Keys<Omit<Messages, "ra">>;
export type Values = Record<string, string | number>;

export const LANGUAGES = [
  { locale: "es", name: "Español" },
  { locale: "pt", name: "Português" },
  { locale: "en", name: "English" },
];

const CATALOGUES: Record<string, () => Promise<Messages>> = {
  en: async () => en,
  es: async () => (await import("./es")).default,
  pt: async () => (await import("./pt")).default,
};
const CHOSEN = "tombola.language";

/** The language that was chosen here before, or else the browser's first one that we have. */
export function firstLanguage(): string {
  const wanted = [localStorage.getItem(CHOSEN) ?? "", ...navigator.languages];
  return wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in CATALOGUES) ?? "en";
}

export async function makeI18nProvider(locale: string) {
  // Without a connection, English is better than nothing.
  const first = (await CATALOGUES[locale]?.().catch(() => en)) ?? en;
  document.documentElement.lang = locale;
  return polyglotI18nProvider(
    (wanted) => {
      if (wanted === locale) return first;
      return CATALOGUES[wanted]?.() ?? en;
    },
    locale,
    LANGUAGES,
    { onMissingKey: (key: string) => key },
  );
}

export function rememberLanguage(locale: string): void {
  localStorage.setItem(CHOSEN, locale);
  document.documentElement.lang = locale;
}

/** Like react-admin's `useTranslate`, for keys that exist. */
export function useText(): (key: TextKey, values?: Values) => string {
  return useTranslate();
}
