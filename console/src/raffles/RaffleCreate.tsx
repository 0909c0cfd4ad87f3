/** A new raffle: a draft, until it is put on sale. */
import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useDataProvider } from "react-admin";
import { useNavigate } from "react-router-dom";
import { newKey } from "../api/client";
import { Screen } from "../components/Screen";
import { useText } from "../i18n";
import { bodyOf, type Fields, NEW } from "./fields";
import { RaffleForm } from "./RaffleForm";

export default function RaffleCreate() {
  const text = useText();
  const navigate = useNavigate();
  const provider = useDataProvider();
  const queries = useQueryClient();
  const sent = useRef({ body: "", key: "" });
  const save = async (fields: Fields) => {
    const data = bodyOf(fields);
    const body = JSON.stringify(data);
    // Trying the same again creates it once. What was corrected is another request.
    if (body !== sent.current.body) sent.current = { body, key: newKey() };
    const made = await provider.create("raffles", { data, meta: { once: sent.current.key } });
    await queries.invalidateQueries();
    navigate(`/raffles/${made.data.id}/show`);
  };
  return (
    <Screen title={text("raffles.create")} name={text("raffles.create")}>
      <RaffleForm draft="new" start={NEW} save={save} />
    </Screen>
  );
}
