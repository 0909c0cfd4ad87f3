"""Create tokens through the API."""

from tests.support.world import World


def a_token(world: World, role: str = "viewer", **fields: object) -> dict[str, str]:
    made = world.api("POST", "/api/tokens", {"name": f"the {role}", "role": role, **fields})
    assert made.status == 201, made.body
    return dict(made.body)
