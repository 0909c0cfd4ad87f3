import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { changesOf, makeDataProvider } from "../src/api/dataProvider";

const sent: Request[] = [];
let answers: Response[] = [];

beforeEach(() => {
  sent.length = 0;
  answers = [];
  vi.stubGlobal("sessionStorage", { getItem: () => "a-token", removeItem: vi.fn(), setItem: vi.fn() });
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    sent.push(new Request(url, init));
    return answers.shift() ?? Response.json({ results: [], next: null, previous: null });
  });
});
afterEach(() => vi.unstubAllGlobals());

const problem = (status: number, code: string) =>
  Response.json(
    { status, code, detail: "…" },
    { status, headers: { "Content-Type": "application/problem+json" } },
  );

test("the token is a header, and never in the address", async () => {
  await makeDataProvider().getList("orders", {});
  expect(sent[0]?.headers.get("Authorization")).toBe("Token a-token");
  expect(sent[0]?.url).not.toContain("a-token");
});

test("a list says whether there are more pages", async () => {
  answers = [Response.json({ results: [{ id: "A" }], next: "/api/orders?cursor=%2Bx", previous: null })];
  const found = await makeDataProvider().getList("orders", { pagination: { page: 1, perPage: 50 } });
  expect(found.data).toEqual([{ id: "A" }]);
  expect(found.pageInfo).toEqual({ hasNextPage: true, hasPreviousPage: false });
});

test("pages on which nothing matched are passed over", async () => {
  answers = [
    Response.json({ results: [], next: "/api/orders?cursor=%2Bx", previous: null }),
    Response.json({ results: [{ id: "A" }], next: null, previous: null }),
  ];
  const found = await makeDataProvider().getList("orders", { pagination: { page: 1, perPage: 50 } });
  expect(found.data).toEqual([{ id: "A" }]);
  expect(found.pageInfo?.hasNextPage).toBe(false);
  expect(new URL(sent[1]?.url ?? "").searchParams.get("cursor")).toBe("+x");
});

test("several values of a filter are one parameter", async () => {
  await makeDataProvider().getList("orders", { filter: { status: ["PAID", "LATE"] } });
  expect(new URL(sent[0]?.url ?? "").searchParams.get("status")).toBe("PAID,LATE");
});

test("a change names the version that was read, and only what was changed", async () => {
  answers = [
    new Response('{"id": "r1", "title": "Bike", "prize": "A bike"}', { headers: { ETag: '"v1"' } }),
    new Response('{"id": "r1", "title": "Moto", "prize": "A bike"}', { headers: { ETag: '"v2"' } }),
  ];
  const provider = makeDataProvider();
  const { data } = await provider.getOne("raffles", { id: "r1" });
  const changed = { ...data, title: "Moto" };
  const after = await provider.update("raffles", { id: "r1", data: changed, previousData: data });
  expect(sent[1]?.headers.get("If-Match")).toBe('"v1"');
  expect(await sent[1]?.json()).toEqual({ title: "Moto" });
  expect((after.data as { etag: string }).etag).toBe('"v2"');
});

test("creating has a key, so that a second try creates nothing more", async () => {
  answers = [Response.json({ id: "r1" }, { status: 201 })];
  await makeDataProvider().create("raffles", { data: { title: "Bike" }, meta: { once: "key-1" } });
  expect(sent[0]?.headers.get("Idempotency-Key")).toBe("key-1");
});

test("a refusal keeps its code", async () => {
  answers = [problem(409, "order_out_of_turn")];
  await expect(makeDataProvider().getOne("orders", { id: "X" })).rejects.toMatchObject({
    status: 409,
    code: "order_out_of_turn",
    isConflict: true,
  });
});

test("an unknown token ends the session, a role that is not enough does not", async () => {
  answers = [problem(403, "role_not_allowed"), problem(403, "not_allowed")];
  const provider = makeDataProvider();
  await expect(provider.getOne("tokens", { id: "X" })).rejects.toMatchObject({ code: "role_not_allowed" });
  expect(sessionStorage.removeItem).not.toHaveBeenCalled();
  await expect(provider.getOne("tokens", { id: "X" })).rejects.toMatchObject({ code: "signed_out" });
  expect(sessionStorage.removeItem).toHaveBeenCalled();
});

test("no connection is a problem of its own", async () => {
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("Failed to fetch");
  });
  await expect(makeDataProvider().getOne("orders", { id: "X" })).rejects.toMatchObject({ code: "offline" });
});

test("what became empty is sent as null", () => {
  expect(changesOf({ id: 1, a: "x", b: 1, etag: "v" }, { id: 1, a: undefined, b: 1, etag: "w" })).toEqual({
    a: null,
  });
});
