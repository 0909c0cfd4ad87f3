"""A measured figure with its goal."""

from collections.abc import Sequence
from operator import ge, le
from statistics import median, quantiles
from typing import NamedTuple

RELATIONS = {"<=": le, ">=": ge}


class Figure(NamedTuple):
    """A figure. `goal` is a relation and a bound, e.g. "<= 4". It is empty if the figure only explains others."""

    name: str
    value: float
    unit: str
    goal: str = ""
    note: str = ""

    @property
    def met(self) -> bool:
        if not self.goal:
            return True
        relation, bound = self.goal.split()
        return bool(RELATIONS[relation](self.value, float(bound)))


def ratio(name: str, ours: Sequence[float], base: Sequence[float], goal: str) -> Figure:
    """Return the ratio of the medians of two series of seconds, measured alternately in one run."""
    value = median(ours) / median(base)
    return Figure(name, round(value, 2), "ratio", goal, f"{spread(ours)} against {spread(base)}")


def spread(seconds: Sequence[float]) -> str:
    """Return the median with its quartiles in milliseconds. They are only a note, because machines differ."""
    low, middle, high = (1000 * value for value in quantiles(seconds, n=4))
    return f"{middle:.1f} ms ({low:.1f} to {high:.1f})"
