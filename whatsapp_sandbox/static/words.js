// Short texts for previews and times.

import { plain } from "./format.js";

const time = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

const date = (seconds) => new Date(seconds * 1000);
const daysAgo = (seconds) => Math.round((new Date().setHours(0, 0, 0, 0) - date(seconds).setHours(0, 0, 0, 0)) / 864e5);

export const clockTime = (seconds) => time.format(date(seconds));

export function dayName(seconds) {
  return ["Today", "Yesterday"][daysAgo(seconds)] ?? day.format(date(seconds));
}

export function whenShort(seconds) {
  return daysAgo(seconds) === 0 ? clockTime(seconds) : shortDay.format(date(seconds));
}

// A message on one line.
export function summary({ kind, content }) {
  switch (kind) {
    case "text": return plain(content.body);
    case "image": return content.caption ? plain(content.caption) : "Photo";
    case "document": return content.filename || content.caption || "Document";
    case "location": return "Location";
    case "template": return `Template ${content.name}`;
    case "button": return content.text;
    case "interactive":
      return content.button_reply?.title ?? content.list_reply?.title ?? plain(content.body?.text ?? "");
    default: return kind;
  }
}
