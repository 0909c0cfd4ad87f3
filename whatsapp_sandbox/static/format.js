// Renders WhatsApp's formatting: *bold*, _italic_, ~strike~, `code`, ```mono```, lists, quotes and links.

import { el } from "./dom.js";

const MARKS = { "*": "strong", _: "em", "~": "s" };
const INLINE = /`([^`\n]+)`|https?:\/\/[^\s<>"]+|[*_~]/g;
const WORD = /[\p{L}\p{N}]/u;

export function formatted(text) {
  const box = el("div", { class: "words", dir: "auto" });
  text.split(/```([\s\S]+?)```/).forEach((part, index, parts) => {
    if (index % 2) return box.append(el("pre", {}, part.replace(/^\n|\n$/g, "")));
    // A block is on its own lines anyway, so drop the line breaks around it.
    const words = part.replace(index > 0 ? /^\n/ : "", "").replace(index < parts.length - 1 ? /\n$/ : "", "");
    return words && lines(words, box);
  });
  return box;
}

// The same text without marks, for a one-line preview.
export function plain(text) {
  return text.replace(/```/g, "").replace(/(^|[^\p{L}\p{N}])([*_~`])(\S(?:.*?\S)?)\2(?![\p{L}\p{N}])/gu, "$1$3");
}

function lines(text, box) {
  let block = null; // the list or quote that the previous line belongs to
  const into = (tag, item) => {
    if (block?.localName !== tag) box.append((block = el(tag)));
    block.append(item);
  };
  text.split("\n").forEach((line, index) => {
    const bullet = /^\s*[-*] (.+)$/.exec(line);
    const numbered = /^\s*(\d{1,2})\. (.+)$/.exec(line);
    const quoted = /^> ?(.+)$/.exec(line);
    if (bullet) into("ul", el("li", {}, inline(bullet[1])));
    else if (numbered) into("ol", el("li", { value: numbered[1] }, inline(numbered[2])));
    else if (quoted) into("blockquote", el("div", {}, inline(quoted[1])));
    else {
      // After a block there is a line break already. Only text after text needs one.
      const follows = index > 0 && block === null;
      block = null;
      box.append(...(follows ? ["\n"] : []), ...inline(line));
    }
  });
}

function inline(text) {
  const nodes = [];
  const marks = new RegExp(INLINE); // a copy with its own position, because this function calls itself
  let from = 0;
  for (let hit; (hit = marks.exec(text)); ) {
    let node = null;
    let end = hit.index + hit[0].length;
    if (hit[1] !== undefined) node = el("code", {}, hit[1]);
    else if (hit[0].length > 1) {
      const url = hit[0].replace(/[.,;:!?)\]'*_~]+$/, "");
      end = hit.index + url.length;
      node = el("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, url);
    } else {
      const close = closing(text, hit.index);
      if (close > 0) {
        node = el(MARKS[hit[0]], {}, ...inline(text.slice(hit.index + 1, close)));
        end = close + 1;
      }
    }
    if (node) {
      nodes.push(text.slice(from, hit.index), node);
      from = end;
    }
    marks.lastIndex = end;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}

// A mark opens only at the start of a word and closes only at its end, so 2*3*4 and snake_case stay unchanged.
function closing(text, open) {
  const mark = text[open];
  if (WORD.test(text[open - 1] ?? " ") || /\s/.test(text[open + 1] ?? " ") || text[open + 1] === mark) return -1;
  for (let at = text.indexOf(mark, open + 2); at > 0; at = text.indexOf(mark, at + 1)) {
    if (!/\s/.test(text[at - 1]) && !WORD.test(text[at + 1] ?? " ")) return at;
  }
  return -1;
}
