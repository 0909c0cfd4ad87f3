"""Message templates: submit (approved immediately) and list."""

from __future__ import annotations

import re
from typing import Any

from whatsapp_sandbox.graph_errors import Refused
from whatsapp_sandbox.validation import iterate_objects, require_text

Json = dict[str, Any]
PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}")
LANGUAGES = {"en", "en_US", "es", "es_MX", "pt_BR"}
MAX_BODY = 1024


class Templates:
    """The templates of the business account. They are lost when the sandbox stops."""

    def __init__(self) -> None:
        self._templates: dict[tuple[str, str], Json] = {}

    def submit(self, body: Json) -> Json:
        """Store a template and approve it. Raises Refused as Meta would, naming the field."""
        name = require_text(body, "name", 1, 512)
        language = require_text(body, "language", 2, 10)
        if not re.fullmatch(r"[a-z0-9_]+", name):
            raise Refused(100, "name may hold only a-z, 0-9 and _")
        if language not in LANGUAGES:
            raise Refused(100, "language is not one that is known here")
        if body.get("category") not in {"UTILITY", "MARKETING"}:
            raise Refused(100, "category must be UTILITY or MARKETING")
        if (name, language) in self._templates:
            raise Refused(100, "there is a template of this name in this language")
        for path, component in iterate_objects(body, "components", "components"):
            if component.get("type") == "BODY":
                _check_body(component, path)
        template_id = str(len(self._templates) + 1)
        self._templates[name, language] = {**body, "id": template_id, "status": "APPROVED"}
        return {"id": template_id, "status": "APPROVED", "category": body["category"]}

    def page(self, after: str, limit: int) -> Json:
        """Return a page of templates with the cursor of the next page."""
        start = int(after) if after.isdigit() else 0
        templates = list(self._templates.values())
        paging: Json = {"cursors": {"before": str(start), "after": str(start + limit)}}
        if len(templates) > start + limit:
            paging["next"] = "/message_templates"
        return {"data": templates[start : start + limit], "paging": paging}


def _check_body(component: Json, path: str) -> None:
    text = require_text(component, "text", 1, MAX_BODY, f"{path}.text")
    names = PLACEHOLDER.findall(text)
    if text.strip().startswith("{{") or text.strip().rstrip(".").endswith("}}"):
        raise Refused(100, f"{path}.text may neither begin nor end with a value")
    example = component.get("example", {}).get("body_text_named_params", [])
    if {value.get("param_name") for value in example if value.get("example")} != set(names):
        raise Refused(100, f"{path}.example must have one for each value")
