// Builds the element of a message.

import { mediaUrl } from "./api.js";
import { el, icon } from "./dom.js";
import { formatted } from "./format.js";
import { say } from "./language.js";
import { clockTime, summary } from "./words.js";

const TICKS = {
  waiting: ["clock", say("Sending")],
  arrived: ["one", say("Delivered")],
  read: ["two", say("Read")],
  failed: ["failed", say("Not delivered")],
};

// `acts` are the actions of the page: reply, tap, openList, sharePlace, again, goTo.
export function bubble(message, { quoted, reaction, tapped, follows }, acts) {
  const { kind, content, direction } = message;
  const choices = choicesOf(message, tapped, acts);
  return el(
    "article",
    {
      class: ["bubble", follows && "same", choices && "wide", reaction && "reacted"].filter(Boolean).join(" "),
      "data-testid": "bubble",
      "data-direction": direction,
      "data-id": message.id,
      "data-kind": kind,
      "aria-label": direction === "mine" ? say("You") : "Tombola",
    },
    message.reply_to && quote(message.reply_to, quoted, acts),
    el("div", { class: "content" },
      (BODIES[kind] ?? other)(content),
      el("span", { class: "meta" },
        el("time", { datetime: new Date(message.at * 1000).toISOString() }, clockTime(message.at)),
        direction === "mine" && tick(message.status))),
    choices,
    fault(message, acts),
    reaction && el("span", { class: "reaction", "aria-label": say("Reaction {emoji}", { emoji: reaction }) }, reaction),
    el("button", { class: "answer", type: "button", "aria-label": say("Reply to this message"), onclick: () => acts.reply(message) }, icon("reply")),
  );
}

export function typing() {
  return el("div", { class: "bubble", id: "typing", "data-testid": "typing", role: "status", "aria-label": say("Tombola is typing") },
    el("div", { class: "dots" }, el("i"), el("i"), el("i")));
}

const BODIES = {
  text: (content) => formatted(content.body),
  image: (content) => [picture(content), content.caption && formatted(content.caption)],
  document: (content) => [file(content), content.caption && formatted(content.caption)],
  video: (content) => [file(content, say("Video")), content.caption && formatted(content.caption)],
  audio: (content) => file(content, say("Audio")),
  sticker: (content) => picture(content),
  location: () => el("div", { class: "file" }, icon("place"), el("span", {}, say("Location"))),
  button: (content) => formatted(content.text),
  interactive: (content) => [
    header(content.header),
    // A tapped title is plain text: "2. Motorcycle" must not become a list.
    content.body ? formatted(content.body.text) : el("p", {}, summary({ kind: "interactive", content })),
    content.list_reply?.description && el("p", { class: "footer" }, content.list_reply.description),
    content.footer && el("p", { class: "footer" }, content.footer.text),
  ],
  template: (content) => [
    el("p", { class: "title" }, say("Template: {name}", { name: content.name })),
    ...(content.components ?? []).filter((part) => part.type?.toLowerCase() !== "button").flatMap((part) =>
      (part.parameters ?? []).map((value) =>
        value.type === "image" ? picture(value.image)
          : formatted(`${value.parameter_name ? `${value.parameter_name}: ` : ""}${value.text ?? value.type}`))),
    el("p", { class: "footer" }, say("The wording is stored at Meta, language {code}", { code: content.language?.code })),
  ],
};

const other = (content) => el("pre", { class: "footer" }, JSON.stringify(content));

function header(content) {
  if (!content) return null;
  if (content.type === "text") return el("p", { class: "title" }, content.text);
  return content.type === "image" ? picture(content.image) : file(content[content.type], content.type);
}

function picture({ id, link, caption }) {
  // Never load a picture from another host: the page contacts only its own server.
  if (link) return file({ link, filename: say("Photo from a link") }, link.split("/")[2]);
  const url = mediaUrl(id);
  const image = el("img", { src: url, alt: caption ? say("Photo") : say("Photo without caption") });
  // Show a placeholder for a missing picture, because tests send made-up ids.
  image.addEventListener("error", () => image.replaceWith(el("span", { class: "file" }, icon("photo"), say("Photo not found"))));
  return el("a", { class: "picture", href: url, target: "_blank", rel: "noopener noreferrer" }, image);
}

function file({ id, link, filename, mime_type: type }, what = say("Document")) {
  const name = filename ?? what;
  return el("a", { class: "file", href: link ?? mediaUrl(id), target: "_blank", rel: "noopener noreferrer" },
    icon("file"), el("span", {}, name, el("small", {}, type?.split("/")[1]?.toUpperCase() ?? what)));
}

function quote(id, quoted, acts) {
  const who = quoted?.direction === "mine" ? say("You") : "Tombola";
  return el("button", { class: "quote", type: "button", "aria-label": say("Go to the quoted message"), onclick: () => acts.goTo(id) },
    el("b", {}, who), el("span", {}, quoted ? summary(quoted) : say("An earlier message")));
}

function tick(status) {
  const [shape, label] = TICKS[status] ?? TICKS.waiting;
  return el("span", { class: "tick", role: "img", "aria-label": label, title: label, "data-testid": "tick", "data-state": status }, icon(shape));
}

function fault(message, acts) {
  if (!message.note || message.status === "arrived" || message.status === "read") return null;
  const waits = message.status === "waiting";
  return el("div", { class: "fault", "data-testid": "fault" },
    el("span", {}, waits ? say("Not delivered yet, trying again.") : message.note),
    !waits && message.direction === "mine" && el("button", { type: "button", "data-testid": "again", onclick: () => acts.again(message) }, say("Try again")));
}

// Choices stay tappable after the first tap, as in WhatsApp.
function choicesOf(message, tapped, acts) {
  const { kind, content } = message;
  if (message.direction !== "theirs") return null;
  if (kind === "template") return templateChoices(message, tapped, acts);
  if (kind !== "interactive") return null;
  const box = (...items) => el("div", { class: "choices" }, ...items);
  const { action, type } = content;
  if (type === "button") return box(...action.buttons.map(({ reply }) => choice(message, reply.id, reply.title, tapped, acts)));
  if (type === "list")
    return box(el("button", { type: "button", "data-testid": "open-list", "aria-haspopup": "dialog", onclick: () => acts.openList(message) }, icon("list"), action.button));
  if (type === "cta_url")
    return box(el("a", { href: action.parameters.url, target: "_blank", rel: "noopener noreferrer" }, icon("link"), action.parameters.display_text));
  if (type === "location_request_message")
    return box(el("button", { type: "button", "data-testid": "send-place", onclick: () => acts.sharePlace(message) }, icon("place"), say("Send an example location")));
  if (type === "flow") return box(el("button", { type: "button", disabled: true }, say("{button} (forms are not supported here)", { button: action.parameters.flow_cta })));
  return null;
}

function templateChoices(message, tapped, acts) {
  const payloads = (message.content.components ?? [])
    .filter((part) => part.type?.toLowerCase() === "button" && part.sub_type?.toLowerCase() === "quick_reply")
    .flatMap((part) => (part.parameters ?? []).map((value) => String(value.payload || value.text || "")));
  return payloads.length ? el("div", { class: "choices" }, payloads.map((payload) => choice(message, payload, payload, tapped, acts))) : null;
}

function choice(message, id, title, tapped, acts) {
  return el("button", {
    type: "button", class: tapped.includes(id) ? "tapped" : "", "data-testid": "reply-button", "data-choice": id,
    onclick: () => acts.tap(message, id),
  }, title);
}
