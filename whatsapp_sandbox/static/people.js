// The list of people on the left.

import { el } from "./dom.js";
import { summary, whenShort } from "./words.js";

const HUES = { lucia: 330, marco: 205, ana: 150, organiser: 268 };
const list = document.getElementById("people");

// Reuses the buttons and changes only their content, so that a click during an update is not lost.
export function renderPeople(contacts, current, choose) {
  const known = new Map([...list.children].map((item) => [item.key, item]));
  const items = contacts.map((contact) => {
    const item = known.get(contact.id) ?? Object.assign(el("li", {}, button(contact.id, choose)), { key: contact.id });
    fill(item.firstChild, contact, contact.id === current);
    return item;
  });
  if (items.length !== list.children.length || items.some((item, place) => list.children[place] !== item)) list.replaceChildren(...items);
}

// The person's address, and whether the business may still write freely.
export function describe({ phone, user_id: userId, window_until: until }) {
  const open = until && until * 1000 > Date.now();
  return [phone ?? userId, open ? "" : "24 h window closed", open ? `Tombola may write until ${whenShort(until)}` : "Tombola may send only templates until this person writes"];
}

function button(id, choose) {
  return el("button", { class: "person", type: "button", "data-testid": `contact-${id}`, onclick: () => choose(id) });
}

function fill(node, contact, isCurrent) {
  const { last, name, unread } = contact;
  const doing = contact.typing > 0 ? "Tombola is typing…" : last ? `${last.direction === "mine" ? "You: " : ""}${summary(last)}` : role(contact);
  const when = last ? whenShort(last.at) : "";
  const shown = JSON.stringify([name, unread, doing, when, isCurrent]);
  if (node.shown === shown) return;
  node.shown = shown;
  if (isCurrent) node.setAttribute("aria-current", "true");
  else node.removeAttribute("aria-current");
  node.setAttribute("aria-label", unread ? `${name}, ${unread} unread` : name);
  const [first, ...rest] = name.split(" ");
  const avatar = el("span", { class: "avatar", "aria-hidden": "true" }, initials(name));
  avatar.style.setProperty("--hue", HUES[contact.id] ?? 20);
  node.replaceChildren(
    avatar,
    el("span", { class: "person-name" }, first, rest.length > 0 && el("span", { class: "rest" }, ` ${rest.join(" ")}`)),
    el("span", { class: "person-time" }, when),
    el("span", { class: "person-last" }, doing),
    ...(unread ? [el("span", { class: "badge", "data-testid": "unread" }, unread > 99 ? "99+" : String(unread))] : []));
}

function role({ role: what, phone }) {
  if (what === "organiser") return "Gets payment notifications";
  return phone ? "Buys numbers" : "Buys numbers, phone number hidden";
}

const initials = (name) => name.replace(/^\+/, "").split(" ").slice(0, 2).map((word) => word[0]).join("").toUpperCase();
