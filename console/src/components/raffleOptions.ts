/** The raffles to choose from, for filters and forms. */
import { useGetList } from "react-admin";
import type { Raffle } from "../api/types";

export function useRaffles(): Raffle[] {
  const { data } = useGetList<Raffle>(
    "raffles",
    { pagination: { page: 1, perPage: 200 } },
    { staleTime: 60_000 },
  );
  return data ?? [];
}
