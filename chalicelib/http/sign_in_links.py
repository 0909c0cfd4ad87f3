"""Signing in to the console with a link that works once."""

from typing import Annotated

from pydantic import Field

from chalicelib.domain.organisers import Role
from chalicelib.http.dispatch import Call
from chalicelib.http.problems import FieldInvalid
from chalicelib.http.schemas import Form, Moment, View
from chalicelib.http.tokens import NewTokenView, TokenBody

MAX_SECRET = 200  # characters


class LinkBody(TokenBody):
    """The token that a colleague is to get. `expires_at` is about the token; the link works for ten minutes."""


class LinkMadeView(View):
    """A link that works once. It is shown only now, since only a hash of its secret is stored."""

    id: str
    name: str
    role: Role
    path: Annotated[
        str,
        Field(
            description="The link from the API's own origin on. Its secret is in the fragment.",
            examples=["/console/#/sign-in/link_3q2-7wAbCdEfGhIjKlMnOpQrStUvWxYz0123456789A1b2c3d4e"],
        ),
    ]
    valid_until: Moment


class SignInBody(Form):
    """The secret of a link: what follows `#/sign-in/` in it."""

    secret: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_SECRET,
            examples=["link_3q2-7wAbCdEfGhIjKlMnOpQrStUvWxYz0123456789A1b2c3d4e"],
        ),
    ]


def create_sign_in_link(call: Call, body: LinkBody) -> LinkMadeView:
    """Make a link for a colleague to sign in with.

    It works once, within ten minutes, and gives a token with this name and role. Whoever opens it first has the token,
    so send it to nobody else.
    """
    if body.expires_at is not None and body.expires_at <= call.container.clock():
        raise FieldInvalid("expires_at", "expected a time in the future")
    made = call.container.sign_in_links.create(body.name, body.role, by=call.by, token_expires_at=body.expires_at)
    mount = str(call.request.context["path"]).partition("/api/sign-in-links")[0]
    return LinkMadeView(
        id=made.link.id,
        name=made.link.name,
        role=made.link.role,
        path=made.address(f"{mount}/console"),
        valid_until=made.link.expires_at,
    )


def sign_in(call: Call, body: SignInBody) -> NewTokenView:
    """Get a token for a sign-in link.

    Once for each link. The answer contains the token's key, which can't be shown again.
    """
    created = call.container.sign_in_links.exchange(body.secret)
    return NewTokenView(**vars(created.token), key=created.key)
