/** Reading what is no resource of react-admin: figures, boards, proofs, messages. */
import { type UseQueryOptions, useQuery } from "@tanstack/react-query";
import { type Answer, type Options, request } from "./client";

type Query = Options["query"];

export function useApi<T>(path: string | null, query?: Query, options: Partial<UseQueryOptions<T>> = {}) {
  return useQuery<T>({
    queryKey: ["api", path, query],
    queryFn: async ({ signal }) => (await request<T>(path ?? "", { query, signal })).data,
    enabled: path !== null,
    ...options,
  });
}

/** Send a change: an action of a record, or what creates something that is no resource. */
export const post = <T>(path: string, options: Options = {}): Promise<Answer<T>> =>
  request<T>(path, { method: "POST", ...options });
