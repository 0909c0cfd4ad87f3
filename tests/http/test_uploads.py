"""Files in forms: statements and pictures as browsers send them, and forms that nobody means well."""

from contextlib import suppress
from io import BytesIO
from time import process_time
from typing import Any

import pytest
import requests as http
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chalicelib.http.problems import FieldInvalid, Malformed
from chalicelib.http.routes import FILE_LIMIT
from chalicelib.http.uploads import read_file
from tests.support.steps import hold
from tests.support.world import Answer, Buyer, World, buttons_of

Json = dict[str, Any]
TYPE = "multipart/form-data; boundary=b"
CSV = "Fecha;Concepto;Importe\n2026-11-23;{order};25,00\n"


def a_form(content: bytes, *, field: str = "file", name: str = "statement.csv") -> tuple[str, bytes]:
    """The Content-Type and the body of a form, as a widely used client makes them."""
    made = http.Request("POST", "http://x.invalid", files={field: (name, content)}).prepare()
    assert isinstance(made.body, bytes)
    return made.headers["Content-Type"], made.body


def part(content: bytes = b"x", disposition: str = 'form-data; name="file"; filename="a"') -> bytes:
    return b"--b\r\nContent-Disposition: " + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"


END = b"--b--\r\n"


def send(
    world: World, form: tuple[str, bytes], path: str = "/api/statements?currency=GTQ", method: str = "POST"
) -> Answer:
    content_type, body = form
    return world.api(method, path, body, **{"Content-Type": content_type})


def a_picture() -> bytes:
    file = BytesIO()
    Image.new("RGB", (60, 40)).save(file, "JPEG")
    return file.getvalue()


# What is meant well


@pytest.mark.parametrize(
    "name", ["statement.csv", "extracto noviembre.csv", "Kontoauszüge.csv", "../../etc/passwd", 'a"b;c']
)
def test_a_statement_in_a_form_is_read_like_the_file_alone(world: World, lucia: Buyer, name: str) -> None:
    world.raffle()
    order_id = hold(lucia, "5")
    content = CSV.format(order=order_id).encode()
    in_form = send(world, a_form(content, name=name))
    alone = world.api("POST", "/api/statements?currency=GTQ", content, **{"Content-Type": "text/csv"})
    assert in_form.status == 200 and in_form.body == alone.body
    assert in_form.body["sure_ids"] == [order_id]


def test_a_picture_in_a_form_is_shown_above_the_details(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    path = f"/api/raffles/{raffle['id']}/picture/file"
    tag = world.api("GET", f"/api/raffles/{raffle['id']}").headers["ETag"]
    content_type, body = a_form(a_picture(), name="prize.png")  # its content counts, and not its name
    taken = world.api("PUT", path, body, **{"Content-Type": content_type, "If-Match": tag})
    assert taken.status == 200
    assert taken.body["picture"] == {"mime_type": "image/jpeg", "size": len(a_picture())}
    assert taken.headers["ETag"] != tag
    shown = lucia.says("BIKE")
    assert shown["interactive"]["header"]["type"] == "image" and buttons_of(shown)
    outdated = world.api("PUT", path, body, **{"Content-Type": content_type, "If-Match": tag})
    assert outdated.body["code"] == "outdated"
    (entry, *_) = world.api("GET", f"/api/audit?target=raffle:{raffle['id']}").body["results"]
    assert (entry["action"], entry["before"]) == ("raffle.changed", {"picture": None})


def test_a_picture_may_be_sent_without_a_form(world: World) -> None:
    path = f"/api/raffles/{world.raffle()['id']}/picture/file"
    assert world.api("PUT", path, a_picture(), **{"Content-Type": "image/jpeg"}).status == 200


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"%PDF-1.4", b"<svg onload=alert(1)>"])
def test_what_whatsapp_does_not_show_is_refused_and_not_stored(world: World, content: bytes) -> None:
    raffle = world.raffle()
    refused = send(world, a_form(content), f"/api/raffles/{raffle['id']}/picture/file", "PUT")
    assert (refused.status, [error["field"] for error in refused.body["errors"]]) == (422, ["body"])
    assert world.api("GET", f"/api/raffles/{raffle['id']}").body["picture"] is None
    pictures = world.container.raffle_pictures
    assert "Contents" not in pictures.s3().list_objects_v2(Bucket=pictures.bucket, Prefix="raffle-pictures/")


# What is not


@pytest.mark.parametrize(
    "form",
    [
        a_form(b"x", field="statement"),
        (TYPE, part(disposition='form-data; name="file"') + END),  # a text, and no file
        (TYPE, part() + part() + END),
        (TYPE, part() + part(disposition='form-data; name="raffle"') + END),
        (TYPE, END),
        (TYPE, part(disposition='form-data; name=""; filename="a"') + END),
    ],
    ids=["another name", "no file", "two files", "more fields", "nothing", "no name"],
)
def test_a_form_with_anything_but_one_file_is_refused(world: World, form: tuple[str, bytes]) -> None:
    refused = send(world, form)
    assert refused.status in (400, 422), refused.body
    assert "a file named file" in (refused.body["detail"] if refused.status == 400 else str(refused.body["errors"]))


@pytest.mark.parametrize(
    "form",
    [
        (TYPE, b""),
        (TYPE, b"x"),
        (TYPE, part()),  # cut off
        (TYPE, part()[:30]),
        (TYPE, part() + b"--b"),
        (TYPE, part() * 3 + END),
        (TYPE, part() * 20_000 + END),
        (TYPE, b"--b\r\n" + b"X: y\r\n" * 50_000 + b"\r\nx\r\n" + END),
        (TYPE, part(disposition="form-data; name=file; filename=" + "a" * 1_000_000) + END),
        (TYPE, b"--b\r\n\r\nx\r\n" + END),
        (TYPE, part(disposition="attachment; name=file; filename=a") + END),
        (TYPE, part().replace(b'"file"', b'"\xff\xfe"') + END),
        ("multipart/form-data", part() + END),
        ("multipart/form-data; boundary=", part() + END),
        ('multipart/form-data; boundary="', part() + END),
        ("multipart/form-data; boundary=" + "b" * 5000, part() + END),
        ("multipart/form-data; boundary=é", part() + END),
        ("MULTIPART/FORM-DATA ; Boundary=other", part() + END),
    ],
)  # fmt: skip
def test_a_broken_form_is_refused_and_takes_no_time(world: World, form: tuple[str, bytes]) -> None:
    before = process_time()
    refused = send(world, form)
    assert process_time() - before < 1
    assert (refused.status, refused.body["code"]) in ((400, "malformed"), (422, "invalid_fields")), refused.body


def test_what_stands_around_a_form_does_not_count() -> None:
    """RFC 2046 allows it."""
    assert read_file(TYPE, b"preamble\r\n" + part() + END + part(b"smuggled") + END) == b"x"


def test_a_form_is_as_small_as_any_other_body(world: World) -> None:
    path = f"/api/raffles/{world.raffle()['id']}/picture/file"
    for target, method in (("/api/statements", "POST"), (path, "PUT")):
        refused = send(world, a_form(b"x" * FILE_LIMIT), target, method)
        assert (refused.status, refused.body["code"]) == (413, "too_large")


def test_a_form_is_for_files_only(world: World) -> None:
    """Where JSON is expected, it is no other way to say the same."""
    refused = send(world, a_form(b"{}"), "/api/raffles")
    assert refused.status == 415


def test_the_largest_form_is_read_at_once_and_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", None)
    content = bytes(range(256)) * 15_600 + b"\r\n--b\r--bo\n" * 100
    form = (TYPE.replace("=b", "=boundary"), (part(content) + END).replace(b"--b\r\nC", b"--boundary\r\nC", 1))
    form = (form[0], form[1][: -len(END)] + b"--boundary--\r\n")
    before = process_time()
    assert read_file(*form) == content
    assert process_time() - before < 1


@given(
    st.binary(max_size=400), st.integers(0, 200), st.sampled_from([TYPE, 'multipart/form-data; boundary="b;c"', "x"])
)
def test_whatever_comes_is_read_or_refused(noise: bytes, at: int, content_type: str) -> None:
    good = part(b"content") + END
    for body in (noise, good[:at] + noise + good[at:], good[:at] + noise, part(noise) + END):
        with suppress(FieldInvalid, Malformed):
            assert isinstance(read_file(content_type, body), bytes)


@given(st.binary(max_size=400).filter(lambda content: b"--b" not in content))
def test_the_bytes_of_a_file_are_those_that_were_sent(content: bytes) -> None:
    assert read_file(TYPE, part(content) + END) == content
