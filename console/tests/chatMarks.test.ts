import { expect, test } from "vitest";
import { piecesOf } from "../src/components/chatMarks";

test("marks make bold and italics, within a line", () => {
  expect(piecesOf("*Bike* is _new_")).toEqual([
    { text: "Bike", mark: "bold" },
    { text: " is ", mark: null },
    { text: "new", mark: "italic" },
  ]);
  expect(piecesOf("*a\nb*")).toEqual([{ text: "*a\nb*", mark: null }]);
});

test("a sign within a word or between numbers marks nothing", () => {
  expect(piecesOf("2*3*4 a_b_c")).toEqual([{ text: "2*3*4 a_b_c", mark: null }]);
});

test("tags stay text", () => {
  expect(piecesOf("<b>*x*</b>").map((piece) => piece.text)).toEqual(["<b>", "x", "</b>"]);
});
