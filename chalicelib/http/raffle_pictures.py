"""The picture of a raffle: where to upload it, and which upload it is."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain.refusals import PictureUnusable
from chalicelib.http.dispatch import Call
from chalicelib.http.problems import FieldInvalid
from chalicelib.http.raffles import RaffleView, present
from chalicelib.http.schemas import Form, Moment, View


class OfferBody(Form):
    """A picture that is to be uploaded."""

    mime_type: Annotated[Literal["image/jpeg", "image/png"], Field(description="Its type.")]


class UploadView(View):
    """Where to upload a picture until `expires_at`: post a form with these fields, and the file as `file`."""

    id: Annotated[str, Field(description="Names the upload when it is done.")]
    url: str
    fields: Annotated[dict[str, str], Field(description="The fields of the form, all before `file`.")]
    expires_at: Moment


class PictureBody(Form):
    """An upload that becomes the picture of the raffle."""

    id: Annotated[str, Field(min_length=1, max_length=32, description="The `id` of the upload.")]


class PictureLinkView(View):
    """A link to the picture, valid until `url_expires_at`."""

    url: str
    url_expires_at: Moment


def offer_picture(call: Call, raffle_id: str, body: OfferBody) -> UploadView:
    """Start the upload of a raffle's picture.

    A JPEG, or a PNG with 8 bits for each colour, of at most 5 MB. Post it to the answer's `url` as a form, then name
    the upload with PUT.
    """
    return UploadView(**call.container.raffle_pictures.offer(raffle_id, body.mime_type)._asdict())


def read_picture(call: Call, raffle_id: str) -> PictureLinkView:
    """Get a link to the picture of a raffle."""
    return PictureLinkView(**call.container.raffle_pictures.link(raffle_id)._asdict())


def take_picture(call: Call, raffle_id: str, body: PictureBody) -> RaffleView:
    """Make an upload the picture of a raffle.

    Buyers see it above the raffle's details, instead of an earlier one.
    """
    return present(call, call.container.raffle_pictures.take(raffle_id, body.id, by=call.by, expected=call.expected))


def upload_picture(call: Call, raffle_id: str, body: bytes) -> RaffleView:
    """Upload the picture of a raffle.

    In one request, for a picture of at most 4 MB: its bytes as they are, or a form with it as `file`. A JPEG, or a PNG
    with 8 bits for each colour, by its content and not by its name. A larger one is uploaded in two steps (POST, PUT).
    """
    pictures = call.container.raffle_pictures
    try:
        return present(call, pictures.put(raffle_id, body, by=call.by, expected=call.expected))
    except PictureUnusable as refusal:
        raise FieldInvalid("body", str(refusal)) from None


def remove_picture(call: Call, raffle_id: str) -> RaffleView:
    """Take the picture of a raffle away."""
    return present(call, call.container.raffle_pictures.remove(raffle_id, by=call.by, expected=call.expected))
