// The page's state and its updates: the open chat, the list of people, live events.

import * as api from "./api.js";
import { startComposer, quote, switchDraft } from "./composer.js";
import { el } from "./dom.js";
import { bubble, typing } from "./bubble.js";
import { say, translatePage } from "./language.js";
import { describe, renderPeople, shownName } from "./people.js";
import { close, openRows } from "./sheet.js";
import { dayName, summary } from "./words.js";

const $ = (id) => document.getElementById(id);
const chat = $("chat");
const state = { contacts: [], business: null, current: null, messages: new Map(), typingUntil: new Map(), trouble: null, lost: false, follow: true };

const acts = {
  reply: quote,
  tap: (message, choice) => attempt(() => api.send(message.contact, { choice, reply_to: message.id })),
  openList: (message) => openRows(message.content.action, (choice) => acts.tap(message, choice)),
  sharePlace: (message) => attempt(() => api.send(message.contact, { latitude: 14.634915, longitude: -90.506882, reply_to: message.id })),
  again: (message) => attempt(() => api.sendAgain(message.id)),
  goTo(id) {
    const target = find(id);
    target?.scrollIntoView({ block: "center", behavior: "smooth" });
    target?.classList.add("flash");
    setTimeout(() => target?.classList.remove("flash"), 1200);
  },
};

const find = (id) => chat.querySelector(`[data-id="${CSS.escape(id)}"]`);
const atEnd = () => chat.scrollHeight - chat.scrollTop - chat.clientHeight < 90;
const toEnd = () => { chat.scrollTop = chat.scrollHeight; };

async function attempt(work) {
  try {
    await work();
  } catch (trouble) {
    complain(trouble);
  }
}

function complain(trouble) {
  const lost = trouble instanceof TypeError; // fetch throws this when the server does not answer
  state.complaint = lost ? say("The server of this page does not answer. Is it still running?") : trouble.message;
  renderNotice();
  setTimeout(() => { state.complaint = null; renderNotice(); }, 6000);
}

// Drawing

function drawChat() {
  const messages = [...state.messages.values()].sort((a, b) => a.seq - b.seq);
  const reactions = new Map(messages.filter(({ kind }) => kind === "reaction").map(({ content }) => [content.message_id, content.emoji]));
  const taps = tapsOf(messages);
  const parts = []; // [key, what it shows, function that builds it]
  let before = null;
  for (const message of messages.filter(({ kind }) => kind !== "reaction")) {
    const day = dayName(message.at);
    if (!before || dayName(before.at) !== day) parts.push([`day ${message.id}`, day, () => el("div", { class: "day" }, day)]);
    const around = {
      quoted: state.messages.get(message.reply_to) ?? null, reaction: reactions.get(message.id) ?? null,
      tapped: taps.get(message.id) ?? [], follows: before?.direction === message.direction,
    };
    // Whether the person has read a message does not change its look.
    const status = message.status === "read" && message.direction === "theirs" ? "delivered" : message.status;
    parts.push([message.id, JSON.stringify([{ ...message, status }, around]), () => bubble(message, around, acts)]);
    before = message;
  }
  if (!parts.length) parts.push(["hint", state.current, hint]);
  if (isTyping(state.current)) parts.push(["typing", "", typing]);
  show(parts);
}

// Replaces only what has changed, so that focus, scroll position and pictures stay.
function show(parts) {
  const moved = state.drawn !== state.current;
  const old = new Map([...chat.children].map((node) => [node.key, node]));
  const nodes = parts.map(([key, shown, make]) => {
    const known = old.get(key);
    if (!moved && known?.shown === shown) return known;
    const node = Object.assign(make(), { key, shown });
    if (!moved && !known) node.classList.add("fresh");
    return node;
  });
  const keep = new Set(nodes);
  for (const node of old.values()) if (!keep.has(node)) node.remove();
  nodes.forEach((node, place) => { if (chat.children[place] !== node) chat.insertBefore(node, chat.children[place] ?? null); });
  state.drawn = state.current;
  if (moved) state.follow = true;
  if (state.follow) toEnd();
  $("to-end").hidden = atEnd();
}

function tapsOf(messages) {
  const taps = new Map();
  for (const { direction, reply_to: to, content } of messages) {
    const id = content.button_reply?.id ?? content.payload;
    if (direction === "mine" && to && id) taps.set(to, [...(taps.get(to) ?? []), id]);
  }
  return taps;
}

function hint() {
  const organiser = contact()?.role === "organiser";
  const [beforeMenu, afterMenu] = say("Write {menu} to start. Pick numbers, pay, and attach the example receipt.").split("{menu}");
  return el("div", { class: "hint", "data-testid": "hint" },
    el("h3", {}, organiser ? say("The organiser’s phone") : say("You are {name}", { name: contact()?.name.split(" ")[0] ?? "…" })),
    organiser
      ? el("p", {}, say("New payment proofs are announced here. Write something first, to open the 24-hour window."))
      : el("p", {}, beforeMenu, el("strong", {}, "menu"), afterMenu),
    el("button", { type: "button", "data-testid": "hint-begin", onclick: () => attempt(() => api.send(state.current, { text: "menu" })) }, say("Send “menu”")));
}

const contact = () => state.contacts.find(({ id }) => id === state.current);
const isTyping = (id) => (state.typingUntil.get(id) ?? 0) > Date.now();

function drawPeople() {
  for (const person of state.contacts) person.typing = isTyping(person.id) ? 1 : 0;
  renderPeople(state.contacts, state.current, open);
  const unread = state.contacts.reduce((sum, { unread: count }) => sum + count, 0);
  document.title = `${unread ? `(${unread}) ` : ""}${say("Tombola phone")}`;
  const person = contact();
  if (!person) return;
  const [address, closed, explained] = describe(person);
  $("business").textContent = state.business.name;
  $("subtitle").textContent = isTyping(state.current) ? say("typing…") : [closed, state.business.number].filter(Boolean).join(" · ");
  $("subtitle").title = explained;
  $("owner").replaceChildren(el("b", {}, shownName(person)), address);
}

function renderNotice() {
  const text = state.complaint ?? (state.lost ? say("The server of this page does not answer. Trying again.") : null)
    ?? (state.trouble && say("{trouble} Your messages will be sent as soon as it answers.", { trouble: state.trouble }));
  $("notice").hidden = !text;
  $("notice").textContent = text ?? "";
}

// Live events and navigation

async function open(id) {
  const before = state.current;
  close();
  state.current = id;
  if (before !== id) {
    switchDraft(before, id);
    state.messages = new Map();
    history.replaceState(null, "", `#${encodeURIComponent(id)}`);
  }
  drawPeople();
  await attempt(async () => {
    const messages = await api.loadChat(id);
    if (state.current !== id) return;
    state.messages = new Map(messages.map((message) => [message.id, message]));
    drawChat();
    seen();
  });
}

function seen() {
  const person = contact();
  if (document.visibilityState !== "visible" || !person?.unread) return;
  person.unread = 0;
  drawPeople();
  api.markRead(person.id).catch(complain);
}

async function load() {
  await attempt(async () => {
    const { contacts, business, trouble } = await api.loadContacts();
    Object.assign(state, { contacts, business, trouble, lost: false });
    for (const person of contacts) state.typingUntil.set(person.id, Date.now() + person.typing * 1000);
    const wanted = state.current ?? decodeURIComponent(location.hash.slice(1));
    renderNotice();
    await open(contacts.some(({ id }) => id === wanted) ? wanted : contacts[0].id);
  });
}

const HANDLERS = {
  message({ message }) {
    const person = state.contacts.find(({ id }) => id === message.contact);
    if (!person) return load();
    const isNew = message.kind !== "reaction" && message.seq > (person.last?.seq ?? 0);
    if (isNew || person.last?.id === message.id) person.last = message;
    if (isNew && message.direction === "theirs" && message.status !== "read") person.unread += 1;
    if (isNew && message.direction === "mine") person.window_until = message.at + 86400;
    if (message.contact === state.current) {
      state.messages.set(message.id, message);
      if (isNew && message.direction === "mine") state.follow = true;
      drawChat();
    }
    drawPeople();
    return seen();
  },
  typing({ contact: id, seconds }) {
    state.typingUntil.set(id, Date.now() + seconds * 1000);
    redrawTyping();
    if (seconds) setTimeout(redrawTyping, seconds * 1000 + 50);
  },
  link({ trouble }) {
    state.trouble = trouble;
    renderNotice();
  },
  people: load,
  reset() {
    state.messages = new Map();
    return load();
  },
};

function redrawTyping() {
  drawChat();
  drawPeople();
}

translatePage();
startComposer({
  complain,
  recentTexts: () => [...state.messages.values()].filter(({ direction }) => direction === "theirs").map(summary),
  send: ({ words, file, replyTo }) =>
    file ? api.attach(state.current, file, words, replyTo) : api.send(state.current, { text: words, reply_to: replyTo }),
});
chat.addEventListener("scroll", () => {
  state.follow = atEnd();
  $("to-end").hidden = state.follow;
});
// Pictures load after their bubbles, and the composer grows. Stay at the end in both cases.
const follow = () => state.follow && toEnd();
chat.addEventListener("load", follow, { capture: true });
new ResizeObserver(follow).observe(chat);
$("to-end").addEventListener("click", toEnd);
document.addEventListener("visibilitychange", seen);
window.addEventListener("hashchange", () => {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id !== state.current && state.contacts.some((person) => person.id === id)) open(id);
});
api.listen(load, (event) => HANDLERS[event.kind]?.(event), () => { state.lost = true; renderNotice(); });
