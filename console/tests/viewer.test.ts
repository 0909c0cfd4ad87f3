import { expect, test } from "vitest";
import { fitting } from "../src/proofs/fitting";

test("a file fills its frame, lying or standing", () => {
  const frame = { width: 400, height: 400 };
  expect(fitting({ width: 800, height: 400 }, frame, 0)).toBe(0.5);
  expect(fitting({ width: 800, height: 200 }, { width: 400, height: 800 }, 1)).toBe(1);
});

test("without a size yet, nothing is scaled", () => {
  expect(fitting({ width: 0, height: 0 }, { width: 10, height: 10 }, 0)).toBe(1);
});
