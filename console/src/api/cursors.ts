/** Pages by number, of an API whose pages are found by cursors: the cursor of each page is kept. */
import type { Answer } from "./client";

interface Linked {
  next: string | null;
}

/** Return the cursor in the address of a page. */
export function cursorOf(url: string | null): string | null {
  return url === null ? null : new URL(url, "http://any").searchParams.get("cursor");
}

export class Cursors {
  private readonly known = new Map<string, (string | null)[]>();

  /**
   * Read a page of a list, or return null if the list ends before it. Pages before it whose cursors are not known
   * are read first: this is how a link to page 5 works in a new tab.
   */
  async page<T extends Linked>(
    list: string,
    page: number,
    read: (cursor: string | null) => Promise<Answer<T>>,
  ): Promise<Answer<T> | null> {
    if (page === 1) this.known.set(list, [null]); // the list may have changed, so its later pages are found anew
    const cursors = this.known.get(list) ?? [null];
    this.known.set(list, cursors);
    for (let at = Math.min(page, cursors.length); ; at += 1) {
      const cursor = cursors[at - 1] ?? null;
      const answer = await read(cursor);
      const next = cursorOf(answer.data.next);
      if (next !== null) cursors[at] = next;
      else cursors.length = at;
      if (at === page) return answer;
      if (next === null) return null;
    }
  }
}
