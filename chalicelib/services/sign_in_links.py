"""Sign-in links (O13): a manager makes one for a colleague, who exchanges it for a token, once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe
from typing import NamedTuple

from chalicelib.domain.organisers import LINK_LIFETIME, Actor, Role, SignInLink, Token
from chalicelib.domain.refusals import SignInLinkNotFound, SignInLinkOver, SignInLinkUsed, TokenNameTaken, TokenNotFound
from chalicelib.domain.token_keys import LINK_PREFIX, is_link_secret, with_check_part
from chalicelib.services.tokens import NewToken, Tokens, add_token, id_of, lock_for, opens
from chalicelib.store import audit, sign_in_links, tokens
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, logger

# What follows the console's address. The secret is in the fragment, which no browser sends and so no server logs.
FRAGMENT = "#/sign-in/"


class NewLink(NamedTuple):
    link: SignInLink
    secret: str  # never shown again

    def address(self, console: str) -> str:
        """Return the link for a console at this address."""
        return f"{console.rstrip('/')}/{FRAGMENT}{self.secret}"


@dataclass(frozen=True, kw_only=True)
class SignInLinks:
    """The use cases of sign-in links."""

    tokens: Tokens
    clock: Callable[[], datetime]

    def create(self, name: str, role: Role, *, by: Actor, token_expires_at: datetime | None = None) -> NewLink:
        """Make a link for a token with this name and role. `by` could create the token, too.

        Return it with its secret, which can't be read again later. Raises TokenNameTaken, TryAgain.
        """
        secret = with_check_part(token_urlsafe(32), LINK_PREFIX)

        def attempt() -> NewLink:
            now = self.clock()
            self.tokens.check_name(name, "")
            link = SignInLink(
                id=id_of(secret),
                name=name,
                role=role,
                token_expires_at=token_expires_at,
                created_at=now,
                created_by=by.name,
                created_by_token=by.token_id,
                expires_at=now + LINK_LIFETIME,
            )
            transaction = Transaction()
            sign_in_links.add(transaction, link, lock_for(secret))
            expires_at = token_expires_at and token_expires_at.isoformat()
            after = {"name": name, "role": role.value, "token_expires_at": expires_at}
            audit.record(
                transaction, action="link.created", target=f"link:{link.id}", by=by, at=now, before={}, after=after
            )
            try:
                transaction.commit()
            except ConditionsFailed as failure:
                if not failure.named(sign_in_links.LINK):  # else stored by an earlier attempt that got no answer
                    raise
            logger.info("sign-in link made", extra={"link_id": link.id, "role": role.value})
            return NewLink(link, secret)

        return retry(attempt, again_on=(Busy, ConditionsFailed))

    def exchange(self, secret: str) -> NewToken:
        """Create the token of a link. It works once, for ten minutes, and while who made it may create tokens.

        Garbage costs no look-up. Raises SignInLinkNotFound, SignInLinkUsed, SignInLinkOver, TokenNameTaken, TryAgain.
        """
        if not is_link_secret(secret):
            count("TokensRefused")
            raise SignInLinkNotFound
        key = with_check_part(token_urlsafe(32))

        def attempt() -> NewToken:
            link, lock = sign_in_links.get(id_of(secret))
            if not opens(secret, lock):
                raise SignInLinkNotFound
            if link.token_id == id_of(key):  # by an earlier attempt that got no answer
                return NewToken(tokens.get(link.token_id)[0], key)
            if link.token_id is not None:
                raise SignInLinkUsed
            try:
                return self._use(link, key)
            except TokenNameTaken:
                # Whoever used the link in the meantime has taken the name, too.
                if sign_in_links.get(link.id)[0].token_id is not None:
                    raise SignInLinkUsed from None
                raise

        return retry(attempt, again_on=(Busy, ConditionsFailed))

    def _use(self, link: SignInLink, key: str) -> NewToken:
        """Store that a link is used, and its token, in one transaction. Raises ConditionsFailed if it was used."""
        now = self.clock()
        if now >= link.expires_at or not self._maker_is_valid(link, now):
            raise SignInLinkOver
        self.tokens.check_name(link.name, id_of(key))
        token = Token(
            id=id_of(key),
            name=link.name,
            role=link.role,
            created_at=now,
            created_by=link.created_by,
            expires_at=link.token_expires_at,
        )
        transaction = Transaction()
        sign_in_links.use(transaction, link, token.id)
        if link.created_by_token is not None:
            tokens.require_unrevoked(transaction, link.created_by_token)
        maker = Actor(link.created_by, Role.MANAGER, link.created_by_token)
        add_token(transaction, token, key, by=maker, link=link.id)
        try:
            transaction.commit()
        except ConditionsFailed as failure:
            if failure.named(tokens.NAME):
                raise TokenNameTaken(link.name) from None
            raise
        self.tokens.forget_ids()
        logger.info("token made by a link", extra={"token_id": token.id, "role": token.role.value})
        return NewToken(token, key)

    def _maker_is_valid(self, link: SignInLink, now: datetime) -> bool:
        """Return whether who made the link could create the token now. A command always can."""
        if link.created_by_token is None:
            return True
        try:
            maker, _ = tokens.get(link.created_by_token)
        except TokenNotFound:
            return False
        return maker.is_valid(now)
