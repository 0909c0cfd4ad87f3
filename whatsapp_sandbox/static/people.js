// The list of people on the left.

import { el } from "./dom.js";
import { say } from "./language.js";
import { summary, whenShort } from "./words.js";

const HUES = { lucia: 330, marco: 205, ana: 150, organiser: 268 };
const list = document.getElementById("people");
let shown = null; // whose button was scrolled into view

// Reuses the buttons and changes only their content, so that a click during an update is not lost.
export function renderPeople(contacts, current, choose) {
  const known = new Map([...list.children].map((item) => [item.key, item]));
  const items = contacts.map((contact) => {
    const item = known.get(contact.id) ?? Object.assign(el("li", {}, button(contact.id, choose)), { key: contact.id });
    fill(item.firstChild, contact, contact.id === current);
    return item;
  });
  if (items.length !== list.children.length || items.some((item, place) => list.children[place] !== item)) list.replaceChildren(...items);
  // In a narrow window the buttons are a strip, which may be wider than the window.
  if (shown !== current) items.find(({ key }) => key === current)?.scrollIntoView({ block: "nearest", inline: "center" });
  shown = current;
}

// The organiser has no name of their own.
export const shownName = ({ name, role }) => (role === "organiser" ? say(name) : name);

// The person's address, and whether the business may still write freely.
export function describe({ phone, user_id: userId, window_until: until }) {
  const open = until && until * 1000 > Date.now();
  return [phone ?? userId, open ? "" : say("24 h window closed"), open ? say("Tombola may write until {time}", { time: whenShort(until) }) : say("Tombola may send only templates until this person writes")];
}

function button(id, choose) {
  return el("button", { class: "person", type: "button", "data-testid": `contact-${id}`, onclick: () => choose(id) });
}

function fill(node, contact, isCurrent) {
  const { last, unread } = contact;
  const name = shownName(contact);
  const said = last && (last.direction === "mine" ? say("You: {text}", { text: summary(last) }) : summary(last));
  const doing = contact.typing > 0 ? say("Tombola is typing…") : said ?? role(contact);
  const when = last ? whenShort(last.at) : "";
  const shown = JSON.stringify([name, unread, doing, when, isCurrent]);
  if (node.shown === shown) return;
  node.shown = shown;
  if (isCurrent) node.setAttribute("aria-current", "true");
  else node.removeAttribute("aria-current");
  node.setAttribute("aria-label", unread ? say("{name}, {count} unread", { name, count: unread }) : name);
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
  if (what === "organiser") return say("Gets payment notifications");
  return phone ? say("Buys numbers") : say("Buys numbers, phone number hidden");
}

const initials = (name) => name.replace(/^\+/, "").split(" ").slice(0, 2).map((word) => word[0]).join("").toUpperCase();
