import { expect, test } from "vitest";
import { checkBudgets } from "../build/servedByTheFunction";

const chunk = (name: string, more: object) => ({
  type: "chunk" as const,
  name,
  fileName: `assets/${name}.js`,
  isEntry: false,
  isDynamicEntry: false,
  imports: [] as string[],
  ...more,
});
const chunks = [
  chunk("index", { isEntry: true, imports: ["assets/shared.js"] }),
  chunk("shared", {}),
  chunk("Orders", { isDynamicEntry: true, imports: ["assets/shared.js", "assets/table.js"] }),
  chunk("table", {}),
];
const sizes = (index: number, table: number) =>
  new Map([
    ["assets/index.js", index],
    ["assets/shared.js", 100_000],
    ["assets/Orders.js", 10_000],
    ["assets/table.js", table],
  ]);

test("a screen that is small enough is built", () => {
  expect(checkBudgets(chunks, sizes(260_000, 50_000))).toEqual([]);
});

test("the first screen counts what it imports, and a lazy one what the first has not loaded", () => {
  expect(checkBudgets(chunks, sizes(260_001, 50_001))).toEqual([
    "first screen is 360001 bytes of gzip, more than 360000",
    "Orders is 60001 bytes of gzip, more than 60000",
  ]);
});
