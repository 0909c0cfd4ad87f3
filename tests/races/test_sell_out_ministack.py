"""H1, H2, H6, M1, M3: raffles sold out by many buyers in many processes, on ministack."""

from tests.support.races.rules import *  # noqa: F403 - the tests are the same on both engines

ENGINE = "ministack"
