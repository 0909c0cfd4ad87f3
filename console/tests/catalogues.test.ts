import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import en from "../src/i18n/en";
import es from "../src/i18n/es";
import pt from "../src/i18n/pt";

type Tree = { [key: string]: string | Tree };

function entriesOf(tree: Tree, prefix = ""): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string"
      ? [[`${prefix}${key}`, value] as [string, string]]
      : entriesOf(value, `${prefix}${key}.`),
  );
}

const ENGLISH = entriesOf(en as unknown as Tree);
const OTHERS = {
  es: new Map(entriesOf(es as unknown as Tree)),
  pt: new Map(entriesOf(pt as unknown as Tree)),
};
const placesIn = (text: string) => [...new Set(text.match(/%\{\w+\}/g) ?? [])].sort();

test.each(Object.keys(OTHERS) as (keyof typeof OTHERS)[])(
  "%s has each place of the English texts",
  (language) => {
    const wrong = ENGLISH.filter(([key, text]) => {
      const other = OTHERS[language].get(key) ?? "";
      return (
        JSON.stringify(placesIn(text)) !== JSON.stringify(placesIn(other)) ||
        (other.trim() === "") !== (text.trim() === "")
      );
    });
    expect(wrong.map(([key]) => key)).toEqual([]);
  },
);

test("forms of one and of many are two in each language", () => {
  for (const [key, text] of ENGLISH.filter(([, words]) => words.includes("||||")))
    for (const other of Object.values(OTHERS))
      expect([key, other.get(key)?.split("||||").length]).toEqual([key, text.split("||||").length]);
});

/** Keys that are put together: each entry below these is asked for by the value of something. */
const COMPUTED =
  /^(ra|resources|problems|roles|status|raffle_status|ticket_status|audit_actions|alarms|checks|setup|severity)\.|^(contacts\.states|contacts\.states_of|money\.(of|why|export_status)|settings\.(parts|sending_)|tokens\.role_help|app\.theme_|actions\.(done_|reasons\.)|contacts\.(pause|resume|answered|block|unblock))|_text$/;

test("every entry is used", () => {
  const sources: string[] = [];
  const read = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) read(path);
      else if (!path.includes("i18n/e") && !path.includes("i18n/p")) sources.push(readFileSync(path, "utf8"));
    }
  };
  read(join(import.meta.dirname, "../src"));
  const code = sources.join("\n");
  const fields = /^raffles\.\w+$/; // a form names its fields
  const unused = ENGLISH.map(([key]) => key).filter(
    (key) =>
      !COMPUTED.test(key) &&
      !code.includes(`"${key}"`) &&
      !(fields.test(key) && code.includes(`"${key.slice("raffles.".length)}"`)) &&
      !(key.startsWith("actions.") && code.includes(`"${key.slice("actions.".length)}"`)) &&
      !(key.startsWith("money.") && code.includes(`"${key.slice("money.".length)}"`)),
  );
  expect(unused).toEqual([]);
});
