"""The state that survives a restart: chats, 24-hour windows, files, and webhooks that are still to be sent."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Json = dict[str, Any]
Direction = Literal["mine", "theirs"]  # seen from the person who holds the phone

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, contact TEXT NOT NULL, direction TEXT NOT NULL,
    at REAL NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL, status TEXT NOT NULL, note TEXT, reply_to TEXT,
    request TEXT);
CREATE INDEX IF NOT EXISTS messages_of_contact ON messages (contact, seq);
CREATE TABLE IF NOT EXISTS windows (contact TEXT PRIMARY KEY, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS strangers (id TEXT PRIMARY KEY, phone TEXT, user_id TEXT);
CREATE TABLE IF NOT EXISTS media (
    id TEXT PRIMARY KEY, mime_type TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, filename TEXT);
CREATE TABLE IF NOT EXISTS links (token TEXT PRIMARY KEY, media_id TEXT NOT NULL, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, raw BLOB NOT NULL, message_id TEXT, due REAL NOT NULL);
"""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message in a chat. `content` is the object under its kind, `request` the whole request of the application."""

    id: str
    contact: str
    direction: Direction
    at: float
    kind: str
    content: Json
    status: str
    note: str | None = None
    reply_to: str | None = None
    request: Json | None = None
    seq: int = 0


@dataclass(frozen=True, kw_only=True)
class QueuedWebhook:
    """A webhook that is still to be sent. Webhooks of one lane arrive in order.

    `message_id` is the message whose ticks change when the webhook arrives.
    """

    seq: int
    lane: str
    raw: bytes
    message_id: str | None
    due: float


@dataclass(frozen=True, kw_only=True)
class Media:
    """The metadata of a file. `sha256` is in hex."""

    id: str
    mime_type: str
    sha256: str
    size: int
    filename: str | None


class Store:
    """An SQLite database in WAL mode: every change is saved at once, so killing the process loses nothing."""

    def __init__(self, path: Path | str) -> None:
        # Everything runs on one event loop. In tests, its thread is not the one that created the store.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    def reset(self) -> None:
        """Delete everything."""
        for table in ("messages", "windows", "strangers", "media", "links", "letters"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - only the names above

    # Chats

    def add_message(self, message: Message) -> Message:
        """Append a message to its chat, and return it with its sequence number."""
        request = None if message.request is None else json.dumps(message.request)
        self._db.execute(
            "INSERT INTO messages (id, contact, direction, at, kind, content, status, note, reply_to, request) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (message.id, message.contact, message.direction, message.at, message.kind, json.dumps(message.content),
             message.status, message.note, message.reply_to, request),
        )  # fmt: skip
        return self.message(message.id) or message

    def message(self, message_id: str) -> Message | None:
        row = self._db.execute("SELECT * FROM messages WHERE id = ?", (message_id,)).fetchone()
        return _message(row) if row else None

    def chat(self, contact: str, limit: int = 300) -> list[Message]:
        """Return the last messages of a chat, oldest first."""
        rows = self._db.execute("SELECT * FROM messages WHERE contact = ? ORDER BY seq DESC LIMIT ?", (contact, limit))
        return [_message(row) for row in rows][::-1]

    def accepted(self, contact: str | None = None) -> list[Message]:
        """Return everything that the application sent, oldest first."""
        rows = self._db.execute(
            "SELECT * FROM messages WHERE direction = 'theirs' AND (? IS NULL OR contact = ?) ORDER BY seq",
            (contact, contact),
        )
        return [_message(row) for row in rows]

    def unread(self, contact: str) -> list[Message]:
        """Return the messages that the person has not seen yet."""
        rows = self._db.execute(
            "SELECT * FROM messages WHERE contact = ? AND direction = 'theirs' AND status NOT IN ('read', 'failed') "
            "AND kind != 'reaction' ORDER BY seq",
            (contact,),
        )
        return [_message(row) for row in rows]

    def mine_up_to(self, message: Message) -> list[Message]:
        """Return the person's messages, up to and including this one, that the business has not read."""
        rows = self._db.execute(
            "SELECT * FROM messages WHERE contact = ? AND seq <= ? AND direction = 'mine' "
            "AND status != 'read' ORDER BY seq",
            (message.contact, message.seq),
        )
        return [_message(row) for row in rows]

    def set_status(self, message_id: str, status: str, note: str | None = None) -> Message | None:
        """Change the status of a message, and return the message."""
        self._db.execute("UPDATE messages SET status = ?, note = ? WHERE id = ?", (status, note, message_id))
        return self.message(message_id)

    def set_window(self, contact: str, until: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO windows VALUES (?, ?)", (contact, until))

    def window_until(self, contact: str) -> float:
        """Return when the 24-hour window closes, in Unix seconds. 0 if it was never open."""
        row = self._db.execute("SELECT until FROM windows WHERE contact = ?", (contact,)).fetchone()
        return float(row["until"]) if row else 0.0

    def add_stranger(self, contact: str, phone: str | None, user_id: str | None) -> None:
        self._db.execute("INSERT OR IGNORE INTO strangers VALUES (?, ?, ?)", (contact, phone, user_id))

    def strangers(self) -> list[tuple[str | None, str | None]]:
        """Return phone and BSUID of everybody else whom the application wrote to."""
        return [(row["phone"], row["user_id"]) for row in self._db.execute("SELECT * FROM strangers ORDER BY rowid")]

    # Webhooks still to be sent

    def enqueue_webhook(self, lane: str, raw: bytes, message_id: str | None, due: float) -> None:
        self._db.execute(
            "INSERT INTO letters (lane, raw, message_id, due) VALUES (?, ?, ?, ?)", (lane, raw, message_id, due)
        )

    def next_webhook(self, lane: str) -> QueuedWebhook | None:
        row = self._db.execute("SELECT * FROM letters WHERE lane = ? ORDER BY seq LIMIT 1", (lane,)).fetchone()
        return QueuedWebhook(**dict(row)) if row else None

    def delete_webhook(self, seq: int) -> None:
        self._db.execute("DELETE FROM letters WHERE seq = ?", (seq,))

    def count_webhooks(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM letters").fetchone()[0])

    def webhook_lanes(self) -> list[str]:
        return [row["lane"] for row in self._db.execute("SELECT DISTINCT lane FROM letters")]

    # Files

    def add_media(self, media: Media) -> None:
        self._db.execute(
            "INSERT INTO media VALUES (?, ?, ?, ?, ?)",
            (media.id, media.mime_type, media.sha256, media.size, media.filename),
        )

    def media(self, media_id: str) -> Media | None:
        row = self._db.execute("SELECT * FROM media WHERE id = ?", (media_id,)).fetchone()
        return Media(**dict(row)) if row else None

    def add_link(self, token: str, media_id: str, until: float) -> None:
        self._db.execute("INSERT INTO links VALUES (?, ?, ?)", (token, media_id, until))

    def linked_media(self, token: str, now: float) -> Media | None:
        """Return the file behind a link, or None if the link has expired."""
        row = self._db.execute("SELECT media_id FROM links WHERE token = ? AND until > ?", (token, now)).fetchone()
        return self.media(row["media_id"]) if row else None


def _message(row: sqlite3.Row) -> Message:
    fields = dict(row)
    fields["content"] = json.loads(fields["content"])
    fields["request"] = json.loads(fields["request"]) if fields["request"] else None
    return Message(**fields)
