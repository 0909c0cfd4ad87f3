"""WhatsApp's side as test data: bodies that Meta posts, requests that it takes, answers that it gives.

Source: https://developers.facebook.com/docs/whatsapp/cloud-api
"""

import base64
import json
from pathlib import Path
from typing import Any

from chalicelib.whatsapp.webhook import Split, Update, split

DATA = Path(__file__).parent.parent / "data"
OURS = "112233445566778"
PAYLOADS = sorted(path.stem for path in (DATA / "payloads").glob("*.json") if path.stem != "signature_vectors")


def raw(name: str) -> bytes:
    return (DATA / "payloads" / f"{name}.json").read_bytes()


def taken_apart(name: str) -> Split:
    return split(raw(name), phone_number_id=OURS)


def only_update(name: str) -> Update:
    [update] = taken_apart(name).updates
    return update


def vectors() -> list[dict[str, Any]]:
    found = json.loads((DATA / "payloads" / "signature_vectors.json").read_bytes())
    return [{**vector, "raw": base64.b64decode(vector["raw_body_base64"])} for vector in found]


def requests_named(pattern: str) -> dict[str, Any]:
    return {path.stem: json.loads(path.read_bytes()) for path in sorted((DATA / "graph/requests").glob(pattern))}


def answer(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "graph" / "responses" / f"{name}.json").read_bytes())
    return found


ANSWERS = sorted(path.stem for path in (DATA / "graph" / "responses").glob("*.json"))
