"""Create tokens: through the API, as the version before did, and as a process sees them that knows none yet."""

from secrets import token_urlsafe

from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.services.tokens import Tokens
from chalicelib.store.records import TokenNameRecord
from chalicelib.store.tokens import _name_key
from tests.support.world import World


def a_token(world: World, role: str = "viewer", **fields: object) -> dict[str, str]:
    made = world.api("POST", "/api/tokens", {"name": f"the {role}", "role": role, **fields})
    assert made.status == 201, made.body
    return dict(made.body)


def a_token_of_before(world: World, name: str, role: Role = Role.MANAGER) -> str:
    """Return the key of a token as it was before keys had a check part, and names were stored."""
    key = token_urlsafe(32)
    world.container.tokens.create(name, role, by=COMMAND_LINE, key=key)
    TokenNameRecord(*_name_key(name)).delete()
    return key


def in_another_process(world: World) -> Tokens:
    """Return the use cases as a process has them that has just started."""
    return Tokens(clock=world.clock)
