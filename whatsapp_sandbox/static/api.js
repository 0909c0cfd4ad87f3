// Talks to the server of this page, and to nothing else.

async function call(path, options = {}) {
  const answer = await fetch(path, options);
  const body = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(body?.title ?? `The phone's server answered ${answer.status}.`);
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

// Calls `opened` at each (re)connection, so that the page can load what it missed meanwhile.
export function listen(opened, heard, lost) {
  const source = new EventSource("/phone/events");
  source.addEventListener("open", opened);
  source.addEventListener("message", (event) => heard(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    lost();
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(opened, heard, lost), 2000);
  });
}
