/** The REST API as react-admin's data provider. Lists are read by cursors, and changes name the version that they saw. */
import type { DataProvider, GetListParams, GetListResult, Identifier, RaRecord } from "react-admin";
import { type Answer, type Json, newKey, request } from "./client";
import { Cursors, cursorOf } from "./cursors";

/** A record, and beside its fields the version in which it was read. */
export interface Versioned extends RaRecord {
  etag?: string | null;
}

interface Page<T> {
  results: T[];
  next: string | null;
  previous: string | null;
}

interface Resource {
  path: string;
  /** Always part of the query of its list. */
  query?: Record<string, string>;
  /** How the key of a record is spelt, if not `id`. */
  key?: (record: Json) => Identifier;
  /** Whether the API reads several by their ids at once. */
  byIds?: boolean;
}

const RESOURCES: Record<string, Resource> = {
  orders: { path: "/orders", query: { expand: "raffle,contact" } },
  raffles: { path: "/raffles", query: { expand: "availability" } },
  contacts: { path: "/contacts", byIds: true },
  undelivered: { path: "/undelivered" },
  "dead-letters": { path: "/dead-letters" },
  audit: { path: "/audit", key: (entry) => `${entry.chain}-${entry.number}` },
  tokens: { path: "/tokens" },
};
const LARGEST_PAGE = 200;
const EMPTY_PAGES = 20; // that are passed over in a row

function resourceOf(name: string): Resource {
  const found = RESOURCES[name];
  if (!found) throw new Error(`No such resource: ${name}`);
  return found;
}

function present<T>(resource: Resource, record: Json, etag?: string | null): T {
  const id = resource.key ? resource.key(record) : record.id;
  return { ...record, id, ...(etag === undefined ? {} : { etag }) } as T;
}

export function makeDataProvider(cursors = new Cursors()): DataProvider {
  async function getList<T extends RaRecord>(name: string, params: GetListParams): Promise<GetListResult<T>> {
    const resource = resourceOf(name);
    const { page, perPage } = params.pagination ?? { page: 1, perPage: 50 };
    const size = Math.min(perPage, LARGEST_PAGE);
    const query = { ...resource.query, ...params.filter };
    const ask = (cursor: string | null) =>
      request<Page<Json>>(resource.path, {
        query: { ...query, page_size: size, cursor },
        signal: params.signal,
      });
    // A page may be empty without being the last one: what it looked through did not match.
    const read = async (cursor: string | null) => {
      let answer = await ask(cursor);
      for (
        let more = 0;
        more < EMPTY_PAGES && answer.data.results.length === 0 && answer.data.next;
        more += 1
      )
        answer = await ask(cursorOf(answer.data.next));
      return answer;
    };
    const answer = await cursors.page(JSON.stringify([name, query, size]), page, read);
    if (!answer) return { data: [], pageInfo: { hasNextPage: false, hasPreviousPage: page > 1 } };
    return {
      data: answer.data.results.map((record) => present<T>(resource, record)),
      pageInfo: { hasNextPage: answer.data.next !== null, hasPreviousPage: page > 1 },
    };
  }

  const getOne = async <T extends RaRecord>(name: string, id: Identifier, signal?: AbortSignal) => {
    const resource = resourceOf(name);
    const answer = await request<Json>(`${resource.path}/${encodeURIComponent(id)}`, { signal });
    return present<T>(resource, answer.data, answer.etag);
  };

  const refuse = (): never => {
    throw new Error("The API has no such request.");
  };

  return {
    getList,
    getOne: async (name, { id, signal }) => ({ data: await getOne(name, id, signal) }),
    async getMany(name, { ids, signal }) {
      const resource = resourceOf(name);
      if (!resource.byIds)
        return { data: await Promise.all(ids.map((id) => getOne<never>(name, id, signal))) };
      const answer = await request<Page<Json>>(resource.path, {
        query: { ids: ids.map(String), page_size: LARGEST_PAGE },
        signal,
      });
      return { data: answer.data.results.map((record) => present<never>(resource, record)) };
    },
    getManyReference: async (name, { target, id, ...params }) =>
      getList(name, { ...params, filter: { ...params.filter, [target]: id } }),
    async create(name, { data, meta }) {
      const resource = resourceOf(name);
      const answer = await request<Json>(resource.path, {
        method: "POST",
        body: data,
        once: (meta as { once?: string } | undefined)?.once ?? newKey(),
      });
      return { data: present<never>(resource, answer.data, answer.etag) };
    },
    async update(name, { id, data, previousData, meta }) {
      const resource = resourceOf(name);
      const etag = (meta as { etag?: string | null } | undefined)?.etag ?? (previousData as Versioned).etag;
      const answer: Answer<Json> = await request<Json>(`${resource.path}/${encodeURIComponent(id)}`, {
        method: "PATCH",
        body: changesOf(previousData as Json, data as Json),
        etag,
      });
      return { data: present<never>(resource, answer.data, answer.etag) };
    },
    async delete(name, { id, previousData }) {
      const resource = resourceOf(name);
      await request(`${resource.path}/${encodeURIComponent(id)}`, {
        method: "DELETE",
        etag: (previousData as Versioned | undefined)?.etag,
      });
      return { data: (previousData ?? { id }) as never };
    },
    updateMany: refuse,
    deleteMany: refuse,
  };
}

/** Return the fields that differ, so that a change touches only what somebody has changed. */
export function changesOf(before: Json, after: Json): Json {
  const changes: Json = {};
  for (const [name, value] of Object.entries(after)) {
    if (name === "etag" || name === "id") continue;
    if (JSON.stringify(value ?? null) !== JSON.stringify(before[name] ?? null)) changes[name] = value ?? null;
  }
  return changes;
}
