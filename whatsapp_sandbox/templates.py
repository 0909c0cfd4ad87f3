"""Message templates, as far as the product uses them: submitted, approved at once, listed."""

from __future__ import annotations

import re
from typing import Any

from whatsapp_sandbox.fields import a_text, any_list
from whatsapp_sandbox.refusals import Refused

Json = dict[str, Any]
PLACE = re.compile(r"\{\{([a-z_]+)\}\}")
LANGUAGES = {"en", "en_US", "es", "es_MX", "pt_BR"}
LONGEST = 1024


class Templates:
    """What the business account has; forgotten when the stand-in ends."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Json] = {}

    def submit(self, body: Json) -> Json:
        """Keep a template and approve it. Raises Refused as Meta would, naming the field."""
        name, language = a_text(body, "name", 1, 512), a_text(body, "language", 2, 10)
        if not re.fullmatch(r"[a-z0-9_]+", name):
            raise Refused(100, "name may hold only a-z, 0-9 and _")
        if language not in LANGUAGES:
            raise Refused(100, "language is not one that is known here")
        if body.get("category") not in {"UTILITY", "MARKETING"}:
            raise Refused(100, "category must be UTILITY or MARKETING")
        if (name, language) in self._kept:
            raise Refused(100, "there is a template of this name in this language")
        for place, component in any_list(body, "components", "components"):
            if component.get("type") == "BODY":
                _check_body(component, place)
        number = str(len(self._kept) + 1)
        self._kept[name, language] = {**body, "id": number, "status": "APPROVED"}
        return {"id": number, "status": "APPROVED", "category": body["category"]}

    def listed(self, after: str, limit: int) -> Json:
        """A page, and where the next one begins."""
        start = int(after) if after.isdigit() else 0
        kept = list(self._kept.values())
        paging: Json = {"cursors": {"before": str(start), "after": str(start + limit)}}
        if len(kept) > start + limit:
            paging["next"] = "/message_templates"
        return {"data": kept[start : start + limit], "paging": paging}


def _check_body(component: Json, place: str) -> None:
    text = a_text(component, "text", 1, LONGEST, f"{place}.text")
    names = PLACE.findall(text)
    if text.strip().startswith("{{") or text.strip().rstrip(".").endswith("}}"):
        raise Refused(100, f"{place}.text may neither begin nor end with a value")
    example = component.get("example", {}).get("body_text_named_params", [])
    if {one.get("param_name") for one in example if one.get("example")} != set(names):
        raise Refused(100, f"{place}.example must have one for each value")
