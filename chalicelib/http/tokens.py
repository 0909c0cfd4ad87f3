"""Access tokens for the API."""

from typing import Annotated

from pydantic import Field

from chalicelib.domain.organisers import Role
from chalicelib.http.dispatch import Call
from chalicelib.http.problems import FieldInvalid
from chalicelib.http.schemas import Form, GivenMoment, Listed, Moment, PageQuery, SomeText, View
from chalicelib.store import tokens as stored


class TokenBody(Form):
    """A token to create.

    A viewer can read, a cashier can also settle payments and write to buyers, and a manager can do everything.
    """

    name: Annotated[
        SomeText,
        Field(
            min_length=1,
            max_length=60,
            description="Who or what uses it. No other token may have, or have had, this name.",
            examples=["Olga's laptop"],
        ),
    ]
    role: Annotated[Role, Field(strict=False)]
    expires_at: GivenMoment | None = None


class TokenView(View):
    """An access token, without its key."""

    id: str
    name: str
    role: Role
    created_at: Moment
    created_by: str
    expires_at: Moment | None
    last_used_at: Annotated[Moment | None, Field(description="Accurate to ten minutes.")]
    revoked_at: Moment | None


class NewTokenView(TokenView):
    """A new access token with its key."""

    key: Annotated[str, Field(description="The key. It is shown only now, since only its hash is stored.")]


def list_tokens(call: Call, query: PageQuery) -> Listed[TokenView]:
    """List tokens.

    Newest first, including revoked ones.
    """
    return call.page(
        query,
        lambda after, backwards: stored.listed(limit=query.page_size, after=after, backwards=backwards),
        TokenView.model_validate,
    )


class MeView(View):
    """The token of this request. `token` is its id."""

    token: str
    name: str
    role: Role
    expires_at: Moment | None


def read_me(call: Call) -> MeView:
    """Get the token of this request.

    Its name and role, for example to sign in to a web console.
    """
    token, _ = stored.get(call.by.token_id or "")
    return MeView(token=token.id, name=token.name, role=token.role, expires_at=token.expires_at)


def create_token(call: Call, body: TokenBody) -> NewTokenView:
    """Create a token.

    The answer contains its key, which can't be shown again.
    """
    if body.expires_at is not None and body.expires_at <= call.container.clock():
        raise FieldInvalid("expires_at", "expected a time in the future")
    created = call.container.tokens.create(
        body.name, body.role, by=call.by, expires_at=body.expires_at, idempotency_key=call.idempotency_key
    )
    return NewTokenView(**vars(created.token), key=created.key)


def revoke_token(call: Call, token_id: str) -> TokenView:
    """Revoke a token.

    It stops working within a minute. The last valid token of a manager can't be revoked: create another one first.
    """
    return TokenView.model_validate(call.container.tokens.revoke(token_id, by=call.by))
