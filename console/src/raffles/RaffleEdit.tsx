/** Changes a raffle: only the fields that were changed, of the version that was read. */
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useDataProvider, useGetOne, useNotify } from "react-admin";
import { useNavigate, useParams } from "react-router-dom";
import type { Raffle } from "../api/types";
import { post } from "../api/useApi";
import { Screen } from "../components/Screen";
import { Failed, Loading } from "../components/states";
import { useText } from "../i18n";
import { bodyOf, type Fields, fieldsOf } from "./fields";
import { RaffleForm } from "./RaffleForm";

export default function RaffleEdit() {
  const text = useText();
  const { id = "" } = useParams();
  const { data, error, refetch } = useGetOne<Raffle>("raffles", { id }, { refetchOnWindowFocus: false });
  // The version in which the form began: a newer one that is read meanwhile must not replace what is typed.
  const [base, setBase] = useState<Raffle | null>(null);
  if (data && base?.id !== data.id) setBase(data);
  const name = `${text("raffles.edit")} · ${base?.title ?? ""}`;
  const reload = async () => setBase((await refetch()).data ?? base);
  return (
    <Screen title={name} name={name}>
      {error && !base ? (
        <Failed error={error} onRetry={() => refetch()} />
      ) : base ? (
        <Form key={base.etag} base={base} reload={reload} />
      ) : (
        <Loading />
      )}
    </Screen>
  );
}

function Form({ base, reload }: { base: Raffle; reload: () => Promise<void> }) {
  const text = useText();
  const notify = useNotify();
  const navigate = useNavigate();
  const provider = useDataProvider();
  const queries = useQueryClient();
  const start = fieldsOf(base);
  const save = async (fields: Fields, onTop: boolean) => {
    const etag = onTop ? (await provider.getOne<Raffle>("raffles", { id: base.id })).data.etag : base.etag;
    const [before, after] = [bodyOf(start), bodyOf(fields)];
    await provider.update("raffles", {
      id: base.id,
      data: { id: base.id, ...after },
      previousData: { id: base.id, ...before },
      meta: { etag },
    });
    await queries.invalidateQueries();
    notify(text("raffles.done"), { type: "success" });
    navigate(`/raffles/${base.id}/show`);
  };
  const propose = async ({ payment_instructions }: Fields) => {
    await post(`/raffles/${base.id}/payment-change`, { body: { payment_instructions } });
    notify(text("raffles.proposed"), { type: "success" });
  };
  return (
    <RaffleForm draft={base.id} start={start} save={save} propose={propose} onReload={() => void reload()} />
  );
}
