// Requests to the server of this page. Nothing else is contacted.

import { say } from "./language.js";

async function call(path, options = {}) {
  const response = await fetch(path, options);
  const body = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw new Error(body?.title ?? say("The server of this page answered {status}.", { status: response.status }));
  return body;
}

const chat = (contact, what) => `/phone/contacts/${encodeURIComponent(contact)}/${what}`;

const post = (path, body) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const loadContacts = () => call("/phone/contacts");
export const loadChat = (contact) => call(chat(contact, "messages")).then((body) => body.messages);
export const send = (contact, body) => post(chat(contact, "messages"), body);
export const markRead = (contact) => call(chat(contact, "read"), { method: "POST" });
export const sendAgain = (id) => call(`/phone/messages/${encodeURIComponent(id)}/again`, { method: "POST" });
export const mediaUrl = (id) => `/phone/media/${encodeURIComponent(id)}`;

export function attach(contact, file, caption, replyTo) {
  const query = new URLSearchParams({ filename: file.name ?? "", caption });
  if (replyTo) query.set("reply_to", replyTo);
  const headers = { "Content-Type": file.type || "application/octet-stream" };
  return call(`${chat(contact, "attachments")}?${query}`, { method: "POST", headers, body: file });
}

// Calls `onOpen` on every connection and reconnection, so that the page can load what it missed in between.
export function listen(onOpen, onEvent, onLost) {
  const source = new EventSource("/phone/events");
  source.addEventListener("open", onOpen);
  source.addEventListener("message", (event) => onEvent(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    onLost();
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(onOpen, onEvent, onLost), 2000);
  });
}
