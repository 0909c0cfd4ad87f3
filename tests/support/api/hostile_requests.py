"""Requests as nobody in good faith sends them, for whatever routes and forms there are."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from chalicelib.http import openapi, openapi_examples
from chalicelib.http.dispatch import Route, forms_of
from chalicelib.http.routes import ROUTES
from tests.support.api.odd_values import (
    AUTHORIZATIONS,
    INJECTIONS,
    MEDIA,
    METHODS,
    NUMBERS,
    ORIGINS,
    SEGMENTS,
    TEXTS,
    VALUES,
)
from tests.support.api.scene import CONSOLE, Scene

Json = dict[str, Any]
DOCUMENT = openapi.whole(ROUTES)
SCHEMAS: Json = DOCUMENT["components"]["schemas"]
API = [route for route in ROUTES if route.path.startswith("/api/")]
WITH_BODY = [route for route in API if route.method in ("POST", "PUT", "PATCH")]
WITH_ID = [route for route in API if "{" in route.path]
LISTS = [route for route in API if (query := forms_of(route.view).query) and "cursor" in query.model_fields]


@dataclass(frozen=True, kw_only=True)
class Request:
    kind: str = ""
    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Hostile:
    """Makes requests, the same ones for the same random."""

    def __init__(self, scene: Scene, random: Random) -> None:
        self._scene, self._random, self._one = scene, random, random.choice
        self._cursors = list(self._real_cursors())

    def request(self) -> Request:
        make = self._one(KINDS)
        found = make(self)
        headers = {"Origin": self._one(ORIGINS), **found.headers}
        return replace(found, kind=make.__name__.strip("_").replace("_", " "), headers=headers)

    # Bodies

    def _wrong_value(self) -> Request:
        return self._with_body(lambda body: self._changed(body, self._one(VALUES)))

    def _injection(self) -> Request:
        return self._with_body(lambda body: self._changed(body, self._one(INJECTIONS)))

    def _unknown_field(self) -> Request:
        name = self._one((*TEXTS, "id", "role", "status", "pk", "sk", "kind", "version", "__class__"))
        return self._with_body(lambda body: {**body, name: self._one(VALUES)})

    def _missing_field(self) -> Request:
        return self._with_body(lambda body: dict(list(body.items())[1:]) if self._random.random() < 0.5 else {})

    def _no_object(self) -> Request:
        return self._with_body(lambda _: self._one(VALUES))

    def _odd_number(self) -> Request:
        return self._with_text(lambda text: self._at_a_value(text, self._one(NUMBERS)))

    def _half_a_character(self) -> Request:
        return self._with_text(lambda text: self._at_a_value(text, self._one(('"\\ud800"', '"\\udfff a"'))))

    def _deep(self) -> Request:
        deep, (begin, end) = self._one((10, 300, 20_000)), self._one((("[", "]"), ('{"a":', "}")))
        return self._with_text(lambda text: self._at_a_value(text, begin * deep + "1" + end * deep))

    def _double_key(self) -> Request:
        def doubled(text: str) -> str:
            name = self._one(list(json.loads(text)))
            return f'{text[:-1]}, "{name}": {json.dumps(self._one(VALUES))}}}'

        return self._with_text(doubled)

    def _bytes(self) -> Request:
        noise = self._one((b"\xff\xfe{}", b"\x00", b"\xef\xbb\xbf{}", b'{"title": "\xed\xa0\x80"}', b'{"a": "\xc3"}'))
        request = self._with_text(lambda text: text)
        at = self._random.randrange(len(request.body) + 1)
        cut, mixed = request.body[:at], request.body[:at] + noise + request.body[at:]
        return replace(request, body=self._one((noise, cut, mixed, self._random.randbytes(self._one((1, 30, 3000))))))

    def _huge(self) -> Request:
        """Rarely more than API Gateway takes: such a body takes long to make."""
        size = 6_300_000 if self._random.random() < 0.02 else self._one((99_000, 101_000, 500_000))
        request = self._with_text(lambda text: text)
        return replace(request, body=request.body + b" " * size)

    def _wrong_media_type(self) -> Request:
        request = self._with_text(lambda text: text)
        return replace(request, headers={**request.headers, "Content-Type": self._one(MEDIA)})

    # Addresses

    def _path(self) -> Request:
        """Something else stands where an id does, or anywhere."""
        route, segment = self._one(API), self._one(SEGMENTS)
        parts = route.path.split("/")
        places = [number for number, part in enumerate(parts) if part.startswith("{")]
        if places and self._random.random() < 0.8:
            parts[self._one(places)] = segment
        else:
            parts.insert(self._random.randrange(1, len(parts) + 1), segment)
        return self._asked(route, target=self._filled("/".join(parts)), body=_sample(route))

    def _id(self) -> Request:
        route, value = self._one(WITH_ID), self._one(TEXTS).encode("utf-8", "surrogatepass")[:3000]
        before, _, after = route.path.partition("{")
        return self._asked(route, target=before + quote(value, safe="") + after.partition("}")[2], body=_sample(route))

    def _query(self) -> Request:
        """A parameter with an odd value, or one that is unknown, or twice."""
        route = self._one(API)
        form = forms_of(route.view).query
        names = [*(form.model_fields if form else ()), *(form.model_fields if form else ()), "x", "", "a[]", "\u0000"]
        pairs = [(self._one(names), str(self._one(VALUES))[:3000]) for _ in range(self._one((1, 1, 2, 5)))]
        return self._asked(route, query=_encoded(pairs), body=_sample(route))

    def _raw_query(self) -> Request:
        odd = (
            "%",
            "%zz=1",
            "&&&",
            "=",
            "a=%ff",
            "page_size=%00",
            "page_size=10&page_size=0",
            "?",
            "a;b",
            "cursor=%ED%A0%80",
        )
        return self._asked(self._one(LISTS), query=self._one(odd))

    def _cursor(self) -> Request:
        """A real one, which mostly belongs to another list or to other filters, or was changed or cut; or no cursor."""
        cursor, other = self._one(self._cursors), self._one(self._cursors)
        text, _, seal = cursor.rpartition(".")
        at = self._random.randrange(len(cursor))
        made = self._one(
            (
                cursor, cursor, cursor[:at], cursor[:at] + self._one("abcXYZ019-_.+=") + cursor[at + 1 :],
                f"-{text[1:]}.{seal}", f"{other.rpartition('.')[0]}.{seal}", f".{seal}", f"{text}.",
                self._one(TEXTS)[:2000], cursor + self._one(("\u0000", "." + "0" * 32, "A" * 1100)),
            )
        )  # fmt: skip
        pairs = [
            ("cursor", made),
            *([("status", self._one(("PAID", "SOLD", "x")))] if self._random.random() < 0.3 else ()),
        ]
        return self._asked(self._one(LISTS), query=_encoded(pairs))

    # Headers and methods

    def _header(self) -> Request:
        name = self._one(
            (
                "Idempotency-Key", "If-Match", "Idempotency-Key", "If-Match", "Accept", "Host", "X-Forwarded-For",
                "X-HTTP-Method-Override", "Origin", "Cookie", "Content-Length", "Transfer-Encoding", "Range", "Expect",
            )
        )  # fmt: skip
        value = self._one((*TEXTS, '"x"', 'W/"x"', "*", "DELETE", "-1", "chunked", "bytes=0-1", f"{CONSOLE}/"))
        return self._anything({name: value})

    def _authorization(self) -> Request:
        return self._anything({"Authorization": self._one(AUTHORIZATIONS)})

    def _method(self) -> Request:
        return replace(self._anything({}), method=self._one(METHODS))

    # Parts

    def _anything(self, headers: Mapping[str, str]) -> Request:
        route = self._one(API)
        request = self._asked(route, body=_sample(route))
        return replace(request, headers={**request.headers, **headers})

    def _asked(self, route: Route, *, target: str = "", query: str = "", body: Any = None) -> Request:
        raw = b"" if body is None else json.dumps(body).encode()
        target = target or self._filled(route.path)
        target = f"{target}?{query}" if query else target
        return Request(method=route.method, target=target, headers={"Content-Type": route.media[0]}, body=raw)

    def _with_body(self, change: Callable[[Json], Any]) -> Request:
        route = self._one(WITH_BODY)
        return self._asked(route, body=change(_sample(route) or {"a": 1}))

    def _with_text(self, change: Callable[[str], str]) -> Request:
        route = self._one(WITH_BODY)
        return replace(self._asked(route), body=change(json.dumps(_sample(route) or {"a": 1})).encode())

    def _changed(self, body: Json, value: Any) -> Json:
        """With the value in one of its places."""
        inner, key = self._one(list(_places(body)))
        inner[key] = value
        return body

    def _at_a_value(self, text: str, value: str) -> str:
        """The text of an object, with this as the value of one of its keys."""
        body, mark = json.loads(text), "the value"
        return json.dumps({**body, self._one(list(body)): mark}).replace(json.dumps(mark), value)

    def _filled(self, path: str) -> str:
        for name, known in self._scene.known.items():
            path = path.replace("{" + name + "}", self._one([*known, "22222222"]))
        return path

    def _real_cursors(self) -> Iterator[str]:
        """One of each list that has a second page."""
        for route in LISTS:
            found = self._scene.get(route.path + "?page_size=1") if "{" not in route.path else {}
            if found.get("next"):
                yield parse_qs(found["next"].partition("?")[2])["cursor"][0]


def _sample(route: Route) -> Json | None:
    """A body that the route takes; None where it takes no JSON."""
    content: Json = DOCUMENT["paths"][route.path][route.method.lower()].get("requestBody", {}).get("content", {})
    schema: Json = next(iter(content.values()), dict[str, Any]()).get("schema", {})
    return deepcopy(openapi_examples.of_form(schema, SCHEMAS)) if "$ref" in schema else None


def _encoded(pairs: list[tuple[str, str]]) -> str:
    return urlencode([(name, value.encode("utf-8", "surrogatepass")) for name, value in pairs])


def _places(part: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) below a part."""
    keys = list(part) if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    for key in keys:
        yield part, key
        yield from _places(part[key])


KINDS: tuple[Callable[[Hostile], Request], ...] = (
    Hostile._wrong_value, Hostile._wrong_value, Hostile._wrong_value, Hostile._injection, Hostile._unknown_field,
    Hostile._missing_field, Hostile._no_object, Hostile._odd_number, Hostile._half_a_character, Hostile._deep,
    Hostile._double_key, Hostile._bytes, Hostile._huge, Hostile._wrong_media_type, Hostile._path, Hostile._path,
    Hostile._id, Hostile._query, Hostile._query, Hostile._raw_query, Hostile._cursor, Hostile._cursor,
    Hostile._header, Hostile._header, Hostile._authorization, Hostile._method,
)  # fmt: skip
