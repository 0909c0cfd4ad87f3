/** The link that opens a raffle in WhatsApp: it writes the raffle's code, and the person taps "send". */
export function chatLink(number: string, code: string): string {
  return `https://wa.me/${number.replace(/\D/g, "")}?text=${encodeURIComponent(code)}`;
}
