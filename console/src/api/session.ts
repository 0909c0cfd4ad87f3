/** Who is signed in. The token lives in the tab's session storage: it ends with the tab, and is never in an address. */
const TOKEN = "tombola.token";
const ME = "tombola.me";

export type Role = "viewer" | "cashier" | "manager";

export interface Me {
  token: string;
  name: string;
  role: Role;
  expires_at: string | null;
}

export const readToken = (): string | null => sessionStorage.getItem(TOKEN);

const listeners = new Set<() => void>();

/** Be told when a session begins or ends. Returns what ends the subscription. */
export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function startSession(token: string, me: Me): void {
  ended = false;
  sessionStorage.setItem(TOKEN, token);
  sessionStorage.setItem(ME, JSON.stringify(me));
  for (const listener of listeners) listener();
}

let ended = false;

/** Whether the session ended by itself: the API knows the token no more. */
export const hasEnded = (): boolean => ended;

/** End the session. `bySelf`: somebody signs out. */
export function endSession(bySelf = false): void {
  ended = !bySelf;
  if (bySelf) sessionStorage.clear(); // also what was typed and not saved
  sessionStorage.removeItem(TOKEN);
  sessionStorage.removeItem(ME);
  for (const listener of listeners) listener();
}

export function readMe(): Me | null {
  const text = sessionStorage.getItem(ME);
  return text ? (JSON.parse(text) as Me) : null;
}
