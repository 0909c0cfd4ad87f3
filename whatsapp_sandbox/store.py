"""What the phone remembers over restarts: chats, 24-hour windows, files, and webhooks still to be delivered."""

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
    """A message in a chat. `content` is the object under its kind; `request` is what the product sent, whole."""

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
class Letter:
    """A webhook body on its way. Those of a lane arrive in order; `message_id` is the message whose tick it moves."""

    seq: int
    lane: str
    raw: bytes
    message_id: str | None
    due: float


@dataclass(frozen=True, kw_only=True)
class Media:
    """What is known of a file; `sha256` is hex."""

    id: str
    mime_type: str
    sha256: str
    size: int
    filename: str | None


class Store:
    """SQLite in WAL mode: every change is on disk before the next step, so a kill loses nothing."""

    def __init__(self, path: Path | str) -> None:
        # Everything runs on one event loop, which in tests is another thread than the one that built it.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    def reset(self) -> None:
        """Forget everything."""
        for table in ("messages", "windows", "strangers", "media", "links", "letters"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are those above

    # Chats

    def add(self, message: Message) -> Message:
        """Keep a message at the end of its chat, and return it with its place."""
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
        """The last messages of a chat, oldest first."""
        rows = self._db.execute("SELECT * FROM messages WHERE contact = ? ORDER BY seq DESC LIMIT ?", (contact, limit))
        return [_message(row) for row in rows][::-1]

    def accepted(self, contact: str | None = None) -> list[Message]:
        """Everything that the product sent, oldest first."""
        rows = self._db.execute(
            "SELECT * FROM messages WHERE direction = 'theirs' AND (? IS NULL OR contact = ?) ORDER BY seq",
            (contact, contact),
        )
        return [_message(row) for row in rows]

    def unread(self, contact: str) -> list[Message]:
        """What the person has not looked at yet."""
        rows = self._db.execute(
            "SELECT * FROM messages WHERE contact = ? AND direction = 'theirs' AND status NOT IN ('read', 'failed') "
            "AND kind != 'reaction' ORDER BY seq",
            (contact,),
        )
        return [_message(row) for row in rows]

    def mine_up_to(self, message: Message) -> list[Message]:
        """The person's messages up to this one that the business has not read."""
        rows = self._db.execute(
            "SELECT * FROM messages WHERE contact = ? AND seq <= ? AND direction = 'mine' "
            "AND status != 'read' ORDER BY seq",
            (message.contact, message.seq),
        )
        return [_message(row) for row in rows]

    def mark(self, message_id: str, status: str, note: str | None = None) -> Message | None:
        """Change how far a message has come, and return it."""
        self._db.execute("UPDATE messages SET status = ?, note = ? WHERE id = ?", (status, note, message_id))
        return self.message(message_id)

    def open_window(self, contact: str, until: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO windows VALUES (?, ?)", (contact, until))

    def window_until(self, contact: str) -> float:
        """When the 24-hour window closes; 0 when it was never open."""
        row = self._db.execute("SELECT until FROM windows WHERE contact = ?", (contact,)).fetchone()
        return float(row["until"]) if row else 0.0

    def add_stranger(self, contact: str, phone: str | None, user_id: str | None) -> None:
        self._db.execute("INSERT OR IGNORE INTO strangers VALUES (?, ?, ?)", (contact, phone, user_id))

    def strangers(self) -> list[tuple[str | None, str | None]]:
        """Phone and BSUID of everybody who was written to without being one of ours."""
        return [(row["phone"], row["user_id"]) for row in self._db.execute("SELECT * FROM strangers ORDER BY rowid")]

    # Webhooks on their way

    def post(self, lane: str, raw: bytes, message_id: str | None, due: float) -> None:
        self._db.execute(
            "INSERT INTO letters (lane, raw, message_id, due) VALUES (?, ?, ?, ?)", (lane, raw, message_id, due)
        )

    def next_letter(self, lane: str) -> Letter | None:
        row = self._db.execute("SELECT * FROM letters WHERE lane = ? ORDER BY seq LIMIT 1", (lane,)).fetchone()
        return Letter(**dict(row)) if row else None

    def drop_letter(self, seq: int) -> None:
        self._db.execute("DELETE FROM letters WHERE seq = ?", (seq,))

    def letters(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM letters").fetchone()[0])

    def lanes(self) -> list[str]:
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
        """The file behind a link that has not expired."""
        row = self._db.execute("SELECT media_id FROM links WHERE token = ? AND until > ?", (token, now)).fetchone()
        return self.media(row["media_id"]) if row else None


def _message(row: sqlite3.Row) -> Message:
    fields = dict(row)
    fields["content"] = json.loads(fields["content"])
    fields["request"] = json.loads(fields["request"]) if fields["request"] else None
    return Message(**fields)
