// Short texts for previews and times.

import { plain } from "./format.js";
import { locale, say } from "./language.js";

// As the bot writes times: 24 hours, which also leaves room beside the words of a bubble.
const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
const shortDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });

const date = (seconds) => new Date(seconds * 1000);
const daysAgo = (seconds) => Math.round((new Date().setHours(0, 0, 0, 0) - date(seconds).setHours(0, 0, 0, 0)) / 864e5);

export const clockTime = (seconds) => time.format(date(seconds));

export function dayName(seconds) {
  return [say("Today"), say("Yesterday")][daysAgo(seconds)] ?? day.format(date(seconds));
}

export function whenShort(seconds) {
  return daysAgo(seconds) === 0 ? clockTime(seconds) : shortDay.format(date(seconds));
}

// A message on one line.
export function summary({ kind, content }) {
  switch (kind) {
    case "text": return plain(content.body);
    case "image": return content.caption ? plain(content.caption) : say("Photo");
    case "document": return content.filename || content.caption || say("Document");
    case "location": return say("Location");
    case "template": return say("Template: {name}", { name: content.name });
    case "button": return content.text;
    case "interactive":
      return content.button_reply?.title ?? content.list_reply?.title ?? plain(content.body?.text ?? "");
    default: return kind;
  }
}
