"""Tokens over REST."""

from typing import Annotated

from pydantic import Field

from chalicelib.domain.organisers import Role
from chalicelib.http.dispatch import Call
from chalicelib.http.problems import FieldInvalid
from chalicelib.http.schemas import Form, GivenMoment, Listed, Moment, PageQuery, SomeText, View
from chalicelib.store import tokens as stored


class TokenBody(Form):
    """A viewer looks; a cashier settles payments and writes to buyers, too; a manager may do everything."""

    name: Annotated[
        SomeText, Field(min_length=1, max_length=60, description="who or what uses it", examples=["Olga's laptop"])
    ]
    role: Annotated[Role, Field(strict=False)]
    expires_at: GivenMoment | None = None


class TokenView(View):
    id: str
    name: str
    role: Role
    created_at: Moment
    created_by: str
    expires_at: Moment | None
    last_used_at: Annotated[Moment | None, Field(description="to within ten minutes")]
    revoked_at: Moment | None


class NewTokenView(TokenView):
    key: Annotated[str, Field(description="shown this once: only a hash of it is kept")]


def list_tokens(call: Call, query: PageQuery) -> Listed[TokenView]:
    """All tokens, newest first; those that were revoked, too."""
    return call.page(
        query,
        lambda after, backwards: stored.listed(limit=query.page_size, after=after, backwards=backwards),
        TokenView.model_validate,
    )


class MeView(View):
    """The token that this was asked with. `token` is its id."""

    token: str
    name: str
    role: Role
    expires_at: Moment | None


def read_me(call: Call) -> MeView:
    """Whose token this is, and what it may do: for signing in."""
    token, _ = stored.get(call.by.token_id or "")
    return MeView(token=token.id, name=token.name, role=token.role, expires_at=token.expires_at)


def create_token(call: Call, body: TokenBody) -> NewTokenView:
    """Make a token."""
    if body.expires_at is not None and body.expires_at <= call.container.clock():
        raise FieldInvalid("expires_at", "expected a time to come")
    made = call.container.tokens.create(
        body.name, body.role, by=call.by, expires_at=body.expires_at, idempotency_key=call.idempotency_key
    )
    return NewTokenView(**vars(made.token), key=made.key)


def revoke_token(call: Call, token_id: str) -> TokenView:
    """Revoke a token: within a minute it opens nothing any more."""
    return TokenView.model_validate(call.container.tokens.revoke(token_id, by=call.by))
