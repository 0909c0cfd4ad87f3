"""The picture of a raffle: uploaded in two steps, checked, and shown above the raffle's details."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from chalicelib.services.raffle_pictures import UPLOADS
from chalicelib.whatsapp.file_types import MAX_IMAGE
from tests.support.world import Buyer, World, buttons_of

Json = dict[str, Any]


def drawn(mode: str = "RGB", form: str = "JPEG") -> bytes:
    file = BytesIO()
    Image.new(mode, (60, 40)).save(file, form)
    return file.getvalue()


def upload(world: World, raffle: Json, content: bytes, mime_type: str = "image/jpeg") -> str:
    """Upload as the form would: the stand-in for S3 takes no forms."""
    offered = world.api("POST", f"/api/raffles/{raffle['id']}/picture", {"mime_type": mime_type})
    assert offered.status == 200, offered.body
    put(world, offered.body["fields"]["key"], content)
    return str(offered.body["id"])


def put(world: World, key: str, content: bytes) -> None:
    pictures = world.container.raffle_pictures
    pictures.s3().put_object(Bucket=pictures.bucket, Key=key, Body=content)


def take(world: World, raffle: Json, upload_id: str) -> Any:
    return world.api("PUT", f"/api/raffles/{raffle['id']}/picture", {"id": upload_id})


@pytest.mark.parametrize("content", [drawn(), drawn("RGB", "PNG"), drawn("RGBA", "PNG")])
def test_a_picture_is_shown_above_the_details(world: World, lucia: Buyer, content: bytes) -> None:
    raffle = world.raffle()
    taken = take(world, raffle, upload(world, raffle, content))
    assert taken.status == 200 and taken.body["picture"]["size"] == len(content)
    shown = lucia.says("BIKE")
    assert shown["interactive"]["header"]["type"] == "image"
    assert buttons_of(shown) == ["Random 1", "Random 3", "Other raffles"]
    assert list(world.graph.uploads.values()) == [content]
    lucia.says("BIKE")
    assert len(world.graph.uploads) == 1, "one upload for all who look"
    link = world.api("GET", f"/api/raffles/{raffle['id']}/picture")
    assert link.status == 200 and "raffle-pictures/" in link.body["url"]


def test_the_form_allows_the_type_that_was_named_and_five_megabytes(world: World) -> None:
    raffle = world.raffle()
    offered = world.api("POST", f"/api/raffles/{raffle['id']}/picture", {"mime_type": "image/png"}).body
    assert offered["fields"]["Content-Type"] == "image/png"
    assert offered["fields"]["key"] == f"{UPLOADS}{raffle['id']}/{offered['id']}"
    assert {"policy", "x-amz-signature"} <= offered["fields"].keys()
    refused = world.api("POST", f"/api/raffles/{raffle['id']}/picture", {"mime_type": "image/gif"})
    assert (refused.status, refused.body["errors"][0]["field"]) == (422, "mime_type")


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a",
        b"",
        drawn("P", "PNG"),
        drawn("L", "PNG"),
        drawn("RGB", "WEBP"),
        drawn() + bytes(MAX_IMAGE),
        b"%PDF-1.7",
    ],
    ids=["gif", "nothing", "palette", "grey", "webp", "large", "pdf"],
)
def test_what_whatsapp_would_not_show_is_refused(world: World, content: bytes) -> None:
    raffle = world.raffle()
    refused = take(world, raffle, upload(world, raffle, content))
    assert (refused.status, refused.body["code"], refused.body["errors"][0]["field"]) == (422, "picture_unusable", "id")
    assert world.api("GET", f"/api/raffles/{raffle['id']}").body["picture"] is None


@pytest.mark.parametrize("upload_id", ["nothing", "../../proofs/x", "x" * 32])
def test_what_was_not_uploaded_for_this_raffle_is_not_taken(world: World, upload_id: str) -> None:
    raffle, other = world.raffle(), world.raffle(code="MOTO")
    put(world, "proofs/x", drawn())
    theirs = upload(world, other, drawn())
    for wrong in (upload_id, theirs):
        refused = take(world, raffle, wrong)
        assert (refused.status, refused.body["code"]) == (422, "upload_not_found")


def test_a_picture_stays_when_the_raffle_is_changed_and_goes_when_it_is_removed(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    path = f"/api/raffles/{raffle['id']}"
    assert world.api("GET", f"{path}/picture").body["code"] == "picture_not_found"
    taken = take(world, raffle, upload(world, raffle, drawn()))
    assert world.api("PUT", path, {**taken.body, "prize": "A car"}).body["picture"] == taken.body["picture"]
    assert world.api("PATCH", path, {"prize": "A boat"}).body["picture"] == taken.body["picture"]
    assert world.api("DELETE", f"{path}/picture").body["picture"] is None
    assert "header" not in lucia.says("BIKE")["interactive"]
    actions = [entry["action"] for entry in world.api("GET", "/api/audit").body["results"]]
    assert actions.count("raffle.changed") >= 4


def test_only_the_version_that_was_read_gets_the_picture(world: World) -> None:
    raffle = world.raffle()
    upload_id = upload(world, raffle, drawn())
    path = f"/api/raffles/{raffle['id']}"
    read = world.api("GET", path).headers["ETag"]
    world.api("PATCH", path, {"prize": "A car"})
    outdated = world.api("PUT", f"{path}/picture", {"id": upload_id}, **{"If-Match": read})
    assert outdated.status == 412


def test_the_details_come_without_the_picture_if_it_is_gone(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    take(world, raffle, upload(world, raffle, drawn()))
    pictures = world.container.raffle_pictures
    kept = pictures.s3().list_objects_v2(Bucket=pictures.bucket, Prefix=f"raffle-pictures/{raffle['id']}/")["Contents"]
    pictures.s3().delete_object(Bucket=pictures.bucket, Key=kept[0]["Key"])
    shown = lucia.says("BIKE")
    assert "header" not in shown["interactive"] and buttons_of(shown)
