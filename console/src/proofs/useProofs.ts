/** The links to an order's proofs. They live five minutes, so they are renewed before. */
import { type QueryClient, useQuery } from "@tanstack/react-query";
import { request } from "../api/client";
import type { ProofLink, Proofs } from "../api/types";

const FRESH = 4 * 60_000;

const queryOf = (code: string) => ({
  queryKey: ["proofs", code],
  queryFn: async ({ signal }: { signal: AbortSignal }) =>
    (await request<Proofs>(`/orders/${code}/proof`, { signal })).data,
  staleTime: FRESH,
});

export function useProofs(code: string | undefined, enabled = true) {
  return useQuery({ ...queryOf(code ?? ""), enabled: enabled && code !== undefined, refetchInterval: FRESH });
}

/** All files of an order, the newest first. */
export const filesOf = (proofs: Proofs): ProofLink[] => [proofs, ...proofs.earlier];

/** Load the proof of the order that comes next, so that it is there at once. */
export async function preloadProof(queries: QueryClient, code: string): Promise<void> {
  const proofs = await queries.fetchQuery(queryOf(code)).catch(() => null);
  if (!proofs?.mime_type.startsWith("image/")) return;
  const image = new Image();
  image.referrerPolicy = "no-referrer";
  image.src = proofs.url;
}
