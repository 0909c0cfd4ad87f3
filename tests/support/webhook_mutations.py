"""Webhook bodies as nobody would send them: real ones with parts deleted, replaced, doubled, nested, cut and mixed."""

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from tests.support.whatsapp_samples import PAYLOADS, raw
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
# With a thousand updates each, these would take all the time and show nothing more.
LARGE = {"batch_1000_statuses", "batch_100_messages_20_contacts"}
NOW = 1_790_000_000  # when the messages of the samples were sent
NEIGHBOUR_ID = "wamid.NEIGHBOUR"
NEIGHBOUR = webhooks.text_message(
    webhooks.Person(name="Ana Li", phone="+50255507777", user_id="GT.7777770000"),
    "menu",
    message_id=NEIGHBOUR_ID,
    at=NOW,
)["entry"][0]["changes"][0]

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 253_402_300_800, 10**15, 10**18, 10**30, -(10**400), 1e308, "", " ", "0", "x" * 600,
    "x" * 70_000, [], {}, [[]], [None], {"": ""}, "\u0000", "5\u0000\u0001", "\ud800", "5\udfff", "\ud83d \ude00",
    "999999999999", "\u202e\u200b", "\U0001f468\u200d" * 20, "e" + "\u0301" * 500, "⁵", "٥", "５", "1" * 5000,
    "=HYPERLINK(1)", "../../etc/passwd", "{{1}}", "%s%n", "' OR 1=1", "messages", "statuses", "112233445566778",
    "wamid.X", "50255501234", "GT.7700112233445566", "stop", "menu", "5,12", "failed", "a/b", "/", "#",
)  # fmt: skip
ODD_TEXTS = [odd for odd in ODD if isinstance(odd, str)]
NUMBERS = ("1e999", "-0", "NaN", "Infinity", "1" * 30, "9" * 5000, "1E400", "0.1e-500", "00", "+1")
DEPTHS = (3, 65, 200, 20_000)


def corpus() -> dict[str, bytes]:
    return {name: raw(name) for name in PAYLOADS if name not in LARGE}


def mutated(random: Random, bodies: list[bytes]) -> bytes:
    """A body made of one or two of these, with the good neighbour in it where it still has a place."""
    parsed = _parsed(random.choice(bodies))
    if not _is_metas(parsed) or random.random() < 0.05:
        return _bytes_changed(random, random.choice(bodies), bodies)
    entries = deepcopy(parsed["entry"])
    if random.random() < 0.2 and _is_metas(other := _parsed(random.choice(bodies))):
        entries += other["entry"]
    for _ in range(random.choice((1, 1, 2, 3, 6))):
        random.choice(IN_PARSED)(random, entries)
    texts = [json.dumps(entry, ensure_ascii=random.random() < 0.8) for entry in entries]
    if texts and random.random() < 0.2:
        place = random.randrange(len(texts))
        texts[place] = random.choice(IN_TEXT)(random, texts[place])
    texts.insert(random.randint(0, len(texts)), json.dumps({"id": "1", "changes": [NEIGHBOUR]}))
    text = '{"object": "whatsapp_business_account", "entry": [' + ", ".join(texts) + "]}"
    body = text.encode("utf-8", "surrogatepass")
    return _bytes_changed(random, body, bodies) if random.random() < 0.1 else body


def carries_the_neighbour(body: bytes) -> bool:
    """Whether the good message is still there for whoever reads the body as JSON and as WhatsApp's form."""
    parsed = _parsed(body)
    if not _is_metas(parsed):
        return False
    changes = [entry.get("changes") for entry in parsed["entry"] if isinstance(entry, dict)]
    return any(NEIGHBOUR in part for part in changes if isinstance(part, list))


def smaller(body: bytes, fails: Callable[[bytes], bool], tries: int = 400) -> bytes:
    """The body with whatever can go while it still `fails`: keys and items one by one, then bytes by halves."""
    again = True
    while again and tries > 0:
        again = False
        for candidate in _with_less(body):
            tries -= 1
            if tries > 0 and fails(candidate):
                body, again = candidate, True
                break
    return body


# Changes to what was parsed. Each may find nothing to do.


def _places(part: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) below a part."""
    found: list[tuple[Any, Any]] = []
    waiting = [part]
    while waiting:
        inner = waiting.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        found += [(inner, key) for key in keys]
        waiting += [inner[key] for key in keys]
    return found


def _place(random: Random, entries: list[Any]) -> tuple[Any, Any] | None:
    found = _places(entries)
    return random.choice(found) if found else None


def _delete(random: Random, entries: list[Any]) -> None:
    if (at := _place(random, entries)) is not None:
        del at[0][at[1]]


def _replace(random: Random, entries: list[Any]) -> None:
    if (at := _place(random, entries)) is not None:
        at[0][at[1]] = deepcopy(random.choice(ODD))


def _replace_leaf(random: Random, entries: list[Any]) -> None:
    """Where a text or a number is: most of what is read."""
    leaves = [(inner, key) for inner, key in _places(entries) if not isinstance(inner[key], dict | list)]
    if leaves:
        inner, key = random.choice(leaves)
        inner[key] = deepcopy(random.choice(ODD))


def _swell(random: Random, entries: list[Any]) -> None:
    """Beyond what the queue takes."""
    at = _place(random, entries)
    if at is not None and random.random() < 0.1:
        at[0][at[1]] = "é" * 60_000 if random.random() < 0.5 else "x" * 300_000


def _double(random: Random, entries: list[Any]) -> None:
    at = _place(random, entries)
    if at is not None and isinstance(at[0], list):
        at[0].insert(at[1], deepcopy(at[0][at[1]]))


def _swap(random: Random, entries: list[Any]) -> None:
    one, other = _place(random, entries), _place(random, entries)
    if one is not None and other is not None:
        one[0][one[1]] = deepcopy(other[0][other[1]])


def _add(random: Random, entries: list[Any]) -> None:
    at = _place(random, entries)
    if at is not None and isinstance(at[0], dict):
        named = [key for inner, key in _places(entries) if isinstance(inner, dict)]
        at[0][random.choice([*named, "", "\u0000", "__class__", "errors", "system"])] = deepcopy(random.choice(ODD))


def _wrap(random: Random, entries: list[Any]) -> None:
    if (at := _place(random, entries)) is not None:
        kept = at[0][at[1]]
        at[0][at[1]] = [kept] if random.random() < 0.5 else {"text": kept}


def _twist_text(random: Random, entries: list[Any]) -> None:
    texts = [(inner, key) for inner, key in _places(entries) if isinstance(inner[key], str) and inner[key]]
    if texts:
        inner, key = random.choice(texts)
        at = random.randrange(len(inner[key]))
        odd = random.choice([*ODD_TEXTS, chr(random.randrange(0x3000))])
        inner[key] = inner[key][:at] + odd + inner[key][at + 1 :]


IN_PARSED = (
    _delete, _delete, _replace, _replace, _replace_leaf, _replace_leaf, _replace_leaf, _swell, _double, _swap, _add,
    _wrap, _twist_text,
)  # fmt: skip


# Changes to the text of an entry.


def _nest(random: Random, text: str) -> str:
    deep = random.choice(DEPTHS)
    begin, end = random.choice((("[", "]"), ('{"a":', "}")))
    return text.replace(": ", ": " + begin * deep + "1" + end * deep + ', "b": ', 1)


def _odd_number(random: Random, text: str) -> str:
    return text.replace(": ", f': {random.choice(NUMBERS)}, "c": ', 1)


def _double_key(random: Random, text: str) -> str:
    """The same key twice, of which readers may take either."""
    keys = [key for key in ("id", "changes", "field", "value", "messages", "type", "from") if f'"{key}": ' in text]
    if not keys:
        return text
    key = random.choice(keys)
    return text.replace(f'"{key}": ', f'"{key}": {json.dumps(random.choice(ODD[:20]))}, "{key}": ', 1)


def _cut_text(random: Random, text: str) -> str:
    return text[: random.randrange(len(text))]


IN_TEXT = (_nest, _odd_number, _double_key, _double_key, _cut_text)


def _bytes_changed(random: Random, body: bytes, bodies: list[bytes]) -> bytes:
    match random.randrange(5):
        case 0:
            return body[: random.randrange(len(body) + 1)]
        case 1:
            flipped = bytearray(body)
            for _ in range(random.choice((1, 1, 3, 10)) if body else 0):
                flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
            return bytes(flipped)
        case 2:
            other = random.choice(bodies)
            return body[: random.randrange(len(body) + 1)] + other[random.randrange(len(other) + 1) :]
        case 3:
            at = random.randrange(len(body) + 1)
            return body[:at] + random.randbytes(random.choice((1, 4, 40))) + body[at:]
        case _:
            return random.choice((b"\xef\xbb\xbf", b" \n", b"\xff\xfe", b"\x00")) + body


# Reading, in ways of the test's own.


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode("utf-8-sig"), parse_int=lambda digits: digits if len(digits) > 20 else int(digits)
        )
    except (ValueError, RecursionError):
        return None


def _is_metas(parsed: Any) -> bool:
    ours = isinstance(parsed, dict) and parsed.get("object", "whatsapp_business_account") == "whatsapp_business_account"
    return ours and isinstance(parsed.get("entry"), list)


def _with_less(body: bytes) -> list[bytes]:
    parsed = _parsed(body)
    if not isinstance(parsed, dict | list):
        half = len(body) // 2
        return [body[half:], body[:half], body[1:], body[:-1]] if body else []
    found = []
    for number in range(len(_places(parsed))):
        copy = deepcopy(parsed)
        inner, key = _places(copy)[number]
        del inner[key]
        found.append(json.dumps(copy).encode())
    return found
