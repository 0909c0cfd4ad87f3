// The form below the chat: text, an attachment with its caption, a quoted message.

import { el, icon } from "./dom.js";
import { say } from "./language.js";
import { exampleReceipt } from "./receipt.js";
import { openAttachments } from "./sheet.js";
import { summary } from "./words.js";

const LARGEST = 100 * 1024 * 1024;
const form = document.getElementById("composer");
const text = document.getElementById("text");
const pending = document.getElementById("pending");
const picker = document.getElementById("file");
const drafts = new Map(); // contact -> {text, file, replyTo}
let draft = { text: "", file: null, replyTo: null };
let lastReceipt = null;

export function startComposer({ send, recentTexts, complain }) {
  const submit = async () => {
    const { file, replyTo } = draft;
    const words = text.value.trim();
    if (!words && !file) return;
    clear();
    try {
      await send({ words, file, replyTo: replyTo?.id ?? null });
    } catch (trouble) {
      text.value ||= words;
      take({ ...draft, text: text.value, file, replyTo });
      complain(trouble);
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape") quote(null);
  });
  text.addEventListener("input", () => {
    draft.text = text.value;
    grow();
  });
  picker.addEventListener("change", () => {
    if (picker.files[0]) attach(picker.files[0], complain);
    picker.value = "";
  });
  form.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files][0];
    if (file) attach(file, complain);
  });
  document.getElementById("attach").addEventListener("click", () => {
    const offers = [
      { shape: "photo", title: say("Photo or PDF"), text: say("JPEG, PNG, WebP or PDF from this computer"), testid: "attach-choose", act: () => picker.click() },
      { shape: "receipt", title: say("Example receipt"), text: say("A made-up bank receipt"), testid: "attach-example",
        act: async () => attach((lastReceipt = await exampleReceipt(recentTexts())), complain) },
    ];
    if (lastReceipt)
      offers.push({ shape: "receipt", title: say("The same receipt again"), text: say("To see that a reused proof is detected"), testid: "attach-same", act: () => attach(lastReceipt, complain) });
    openAttachments(offers);
  });
}

// Each chat has its own draft.
export function switchDraft(from, to) {
  if (from) drafts.set(from, draft);
  else if (text.value) drafts.set(to, { ...draft, text: text.value }); // typed before the first chat was loaded
  take(drafts.get(to) ?? { text: "", file: null, replyTo: null });
}

export function quote(message) {
  take({ ...draft, replyTo: message });
  text.focus();
}

function attach(file, complain) {
  if (!file.size || file.size > LARGEST) return complain(new Error(say("A file must have between 1 byte and 100 MB.")));
  take({ ...draft, file });
  return text.focus();
}

const clear = () => take({ text: "", file: null, replyTo: null });

function take(next) {
  draft = next;
  text.value = draft.text;
  text.placeholder = draft.file ? say("Add a caption") : say("Message");
  pending.replaceChildren(...[draft.replyTo && quoteItem(draft.replyTo), draft.file && fileItem(draft.file)].filter(Boolean));
  pending.hidden = !pending.children.length;
  grow();
}

function quoteItem(message) {
  return el("div", { class: "pending-item" },
    el("span", {}, el("span", { class: "quote" }, el("b", {}, message.direction === "mine" ? say("You") : "Tombola"), el("span", {}, summary(message)))),
    remove(say("Remove the quote"), () => take({ ...draft, replyTo: null })));
}

function fileItem(file) {
  const url = file.type.startsWith("image/") ? URL.createObjectURL(file) : null;
  const image = url && el("img", { src: url, alt: "" });
  image?.addEventListener("load", () => URL.revokeObjectURL(url));
  return el("div", { class: "pending-item", "data-testid": "pending-file" },
    image ?? icon("file"), el("span", {}, file.name || say("Photo")), remove(say("Remove the attachment"), () => take({ ...draft, file: null })));
}

function remove(label, act) {
  return el("button", { class: "round", type: "button", "aria-label": label, onclick: () => { act(); text.focus(); } }, icon("close"));
}

function grow() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
}
