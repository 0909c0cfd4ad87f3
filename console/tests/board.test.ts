import { expect, test } from "vitest";
import { CELL, layOut, moveBy, placeAt, seenRows } from "../src/board/layout";

const layout = layOut(10_000, 480, 4);

test("rows fill the width, and cells are as large as a thumb", () => {
  expect(layout).toEqual({ columns: 9, rows: 1112, width: 480 / 9 });
  expect(layOut(5, 20, 3)).toMatchObject({ columns: 1, rows: 5 });
});

test("only the rows that are seen are drawn", () => {
  expect(seenRows(layout, 0, 400)).toEqual([0, 10]);
  expect(seenRows(layout, 1112 * CELL - 400, 400)).toEqual([1102, 1112]);
});

test("a point belongs to one number, and beside the board to none", () => {
  expect(placeAt(layout, 10_000, 1, 1)).toBe(0);
  expect(placeAt(layout, 10_000, 479, 1)).toBe(8);
  expect(placeAt(layout, 10_000, 1, CELL + 1)).toBe(9);
  expect(placeAt(layout, 10_000, 481, 1)).toBeNull();
  expect(placeAt(layout, 10_000, 479, 1111 * CELL + 1)).toBeNull();
});

test("keys move the mark and stop at the ends", () => {
  expect(moveBy("ArrowDown", 0, 10_000, layout, 5)).toBe(9);
  expect(moveBy("ArrowLeft", 0, 10_000, layout, 5)).toBe(0);
  expect(moveBy("End", 3, 10_000, layout, 5)).toBe(9999);
  expect(moveBy("a", 3, 10_000, layout, 5)).toBeNull();
});
