"""Post bank statements to the API."""

from tests.support.world import Answer, World


def post(world: World, *rows: str, query: str = "", media: str = "text/csv", token: str = "local-token") -> Answer:
    raw = "\n".join(("Fecha;Concepto;Importe GTQ", *(f"20.11.2026;{row}" for row in rows), "")).encode()
    return world.api("POST", f"/api/statements{query}", raw, token=token, **{"Content-Type": media})
