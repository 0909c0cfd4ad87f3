/** All people: who waits for an answer, who wants no messages, found by name or phone. */
import SearchIcon from "@mui/icons-material/Search";
import { Box, Chip, InputAdornment, TextField } from "@mui/material";
import { type FormEvent, useEffect, useState } from "react";
import { useListContext } from "react-admin";
import type { Contact } from "../api/types";
import { Collection } from "../components/Collection";
import { ListScreen } from "../components/ListScreen";
import { When } from "../components/values";
import { type TextKey, useText } from "../i18n";

export default function ContactList() {
  const text = useText();
  return (
    <ListScreen
      resource="contacts"
      name={text("menu.contacts")}
      filters={<Filters />}
      empty={text("empty.contacts")}
      emptyAtAll={text("empty.contacts_none")}
    >
      <People />
    </ListScreen>
  );
}

function Filters() {
  const text = useText();
  const { filterValues, setFilters } = useListContext();
  const [typed, setTyped] = useState<string>(filterValues.search ?? "");
  useEffect(() => setTyped(filterValues.search ?? ""), [filterValues.search]);
  const toggles: ["person_wanted" | "opted_out", TextKey][] = [
    ["person_wanted", "contacts.waiting"],
    ["opted_out", "contacts.opted_out"],
  ];
  return (
    <Box role="search" sx={{ display: "flex", gap: 1, flexWrap: "wrap", mb: 2 }}>
      <Box
        component="form"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          setFilters(typed.trim() ? { search: typed.trim() } : {}, {});
        }}
        sx={{ flex: "1 1 260px", maxWidth: 420 }}
      >
        <TextField
          type="search"
          placeholder={text("contacts.search")}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            if (event.target.value === "" && filterValues.search) setFilters({}, {});
          }}
          slotProps={{
            htmlInput: { "aria-label": text("contacts.search"), enterKeyHint: "search" },
            input: {
              startAdornment: (
                <InputAdornment position="start">
                  <SearchIcon />
                </InputAdornment>
              ),
            },
          }}
        />
      </Box>
      {toggles.map(([name, label]) => {
        const on = Boolean(filterValues[name]);
        return (
          <Chip
            key={name}
            label={text(label)}
            color={on ? "primary" : "default"}
            variant={on ? "filled" : "outlined"}
            aria-pressed={on}
            onClick={() => setFilters(on ? {} : { [name]: "true" }, {})}
            sx={{ minHeight: 44, borderRadius: 22 }}
          />
        );
      })}
    </Box>
  );
}

function People() {
  const text = useText();
  const { data = [] } = useListContext<Contact>();
  return (
    <Collection
      rows={data}
      label={text("menu.contacts")}
      titleLabel={text("contacts.name")}
      title={(contact) => contact.name || contact.phone || text("orders.no_name")}
      to={(contact) => `/contacts/${contact.id}/show`}
      badge={(contact) => <Badges contact={contact} />}
      columns={[
        { label: text("contacts.phone"), value: (contact) => contact.phone ?? "–" },
        { label: text("contacts.state"), value: (contact) => text(`contacts.states.${contact.state}`) },
        { label: text("contacts.language"), value: (contact) => LANGUAGE[contact.language] },
        {
          label: text("contacts.last"),
          value: (contact) => <When at={contact.last_heard_at} relative />,
        },
      ]}
    />
  );
}

export const LANGUAGE = { es: "Español", pt: "Português", en: "English" };

export function Badges({ contact }: { contact: Contact }) {
  const text = useText();
  const badges: [boolean, TextKey, "error" | "warning" | "default"][] = [
    [contact.person_wanted_at !== null, "contacts.waiting", "error"],
    [contact.bot_paused, "contacts.bot_paused", "warning"],
    [contact.opted_out, "contacts.opted_out", "default"],
    [contact.blocked_at !== null, "contacts.blocked", "default"],
    [contact.erased_at !== null, "contacts.erased", "default"],
  ];
  return badges
    .filter(([on]) => on)
    .map(([, key, color]) => (
      <Chip key={key} size="small" variant="outlined" color={color} label={text(key)} sx={{ mr: 0.5 }} />
    ));
}
