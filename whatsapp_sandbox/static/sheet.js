// The sheet that slides up from the bottom: the rows of a list, or the kinds of attachments.

import { el, icon } from "./dom.js";
import { say } from "./language.js";

const sheet = document.getElementById("sheet");
const screen = document.getElementById("screen");
let cameFrom = null;

export function openRows(action, choose) {
  open(action.button, action.sections.flatMap((section) => [
    section.title && el("h3", {}, section.title),
    ...section.rows.map((row) =>
      el("button", { class: "row", type: "button", "data-testid": "list-row", "data-choice": row.id, onclick: () => { close(); choose(row.id); } },
        el("span", {}, row.title, row.description && el("small", {}, row.description)), el("i"))),
  ]));
}

export function openAttachments(offers) {
  open(say("Attach"), offers.map(({ shape, title, text, testid, act }) =>
    el("button", { class: "row", type: "button", "data-testid": testid, onclick: () => { close(); act(); } },
      icon(shape), el("span", {}, title, el("small", {}, text)))));
}

function open(title, items) {
  cameFrom = document.activeElement;
  sheet.replaceChildren(
    el("div", { class: "sheet-head" },
      el("h2", { id: "sheet-title" }, title),
      el("button", { class: "round", type: "button", "aria-label": say("Close"), onclick: close }, icon("close"))),
    el("div", { class: "sheet-body", "data-testid": "sheet" }, items));
  sheet.show();
  for (const other of screen.children) other.inert = other !== sheet;
  sheet.querySelector(".row")?.focus();
}

export function close() {
  if (!sheet.open) return;
  sheet.close();
  for (const other of screen.children) other.inert = false;
  cameFrom?.focus?.();
}

screen.addEventListener("click", (event) => event.target === screen && close());
document.addEventListener("keydown", (event) => {
  if (!sheet.open) return;
  if (event.key === "Escape") close();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const rows = [...sheet.querySelectorAll(".row")];
  if (step && rows.length) {
    event.preventDefault();
    rows[(rows.indexOf(document.activeElement) + step + rows.length) % rows.length].focus();
  }
});
