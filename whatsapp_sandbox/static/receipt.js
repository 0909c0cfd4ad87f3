// Draws an example bank receipt, so that a newcomer can pay without looking for a file.

import { locale, say } from "./language.js";

const MONEY = /(?:Q|GTQ|\$|USD|€|EUR|MXN|R\$)\s?\d[\d.,]*\d|\d[\d.,]*\d\s?(?:GTQ|USD|EUR|MXN|€)/g;
const ORDER = /\b[2346789BCDFGHJKMPQRTVWXY]{8}\b/g;

// Uses the last amount and order code that the business wrote, if any.
export async function exampleReceipt(texts) {
  const find = (pattern) => texts.flatMap((text) => text.match(pattern) ?? []).at(-1);
  const number = String(Math.floor(1e9 + Math.random() * 9e9));
  const lines = [
    [say("Amount"), find(MONEY) ?? "Q 75.00"],
    [say("Reference"), number],
    [say("Description"), find(ORDER) ?? say("Raffle numbers")],
    [say("Date"), new Date().toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" })],
    [say("To account"), "•••• 4417"],
  ];
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 820;
  draw(canvas.getContext("2d"), lines);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  return new File([blob], `receipt-${number}.png`, { type: "image/png" });
}

function draw(pen, lines) {
  const { width, height } = pen.canvas;
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, width, height);
  mosaic(pen, width, 190);
  pen.fillStyle = "#20303a";
  pen.font = "700 40px system-ui, sans-serif";
  pen.fillText(say("Example Bank"), 44, 268);
  pen.font = "26px system-ui, sans-serif";
  pen.fillStyle = "#55646e";
  pen.fillText(say("Transfer completed"), 44, 310);
  lines.forEach(([label, value], index) => {
    const y = 384 + index * 76;
    pen.fillStyle = "#7a8790";
    pen.font = "22px system-ui, sans-serif";
    pen.fillText(label, 44, y);
    pen.fillStyle = "#17232b";
    pen.font = index ? "600 28px system-ui, sans-serif" : "700 34px system-ui, sans-serif";
    pen.fillText(value, 44, y + 36, width - 88);
  });
  pen.fillStyle = "#98a4ac";
  pen.font = "20px system-ui, sans-serif";
  pen.fillText(say("An example. No money was moved."), 44, height - 26);
}

// Coarse random tiles, so that two example receipts are not mistaken for the same picture.
function mosaic(pen, width, height) {
  const columns = 8;
  const rows = 3;
  const hue = Math.random() * 360;
  for (let tile = 0; tile < columns * rows; tile += 1) {
    pen.fillStyle = `hsl(${hue + Math.random() * 70} ${45 + Math.random() * 30}% ${Math.random() < 0.5 ? 24 : 80}%)`;
    pen.fillRect((tile % columns) * (width / columns), Math.floor(tile / columns) * (height / rows), width / columns + 1, height / rows + 1);
  }
}
