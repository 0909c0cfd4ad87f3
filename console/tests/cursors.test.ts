import { expect, test } from "vitest";
import type { Answer } from "../src/api/client";
import { Cursors, cursorOf } from "../src/api/cursors";

interface Page {
  next: string | null;
  cursor: string | null;
}

/** A list of some pages, and which cursors were asked for. */
function list(pages: number) {
  const asked: (string | null)[] = [];
  const read = async (cursor: string | null): Promise<Answer<Page>> => {
    asked.push(cursor);
    const at = cursor === null ? 1 : Number(cursor.slice(1));
    const next = at < pages ? `/api/orders?page_size=2&cursor=%2B${at + 1}` : null;
    return { data: { next, cursor }, etag: null, headers: new Headers() };
  };
  return { asked, read };
}

test("the cursor of the next page is in its address", () => {
  expect(cursorOf("/api/orders?cursor=%2Bab%3D.cd&page_size=2")).toBe("+ab=.cd");
  expect(cursorOf(null)).toBeNull();
});

test("pages in a row take a request each", async () => {
  const { asked, read } = list(3);
  const cursors = new Cursors();
  for (const page of [1, 2, 3, 2]) await cursors.page("orders", page, read);
  expect(asked).toEqual([null, "+2", "+3", "+2"]);
});

test("a link to a later page finds its way there", async () => {
  const { asked, read } = list(4);
  const answer = await new Cursors().page("orders", 3, read);
  expect(asked).toEqual([null, "+2", "+3"]);
  expect(answer?.data.cursor).toBe("+3");
});

test("a page after the end is none", async () => {
  const { read } = list(2);
  expect(await new Cursors().page("orders", 5, read)).toBeNull();
});

test("another filter has other cursors", async () => {
  const { asked, read } = list(3);
  const cursors = new Cursors();
  await cursors.page("paid", 1, read);
  await cursors.page("late", 2, read);
  expect(asked).toEqual([null, null, "+2"]);
});

test("the first page forgets the cursors of a list that may have changed", async () => {
  const { asked, read } = list(3);
  const cursors = new Cursors();
  await cursors.page("orders", 3, read);
  asked.length = 0;
  await cursors.page("orders", 1, read);
  await cursors.page("orders", 3, read);
  expect(asked).toEqual([null, "+2", "+3"]);
});
