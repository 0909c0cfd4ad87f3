"""Record who has an order open for review, so that two organisers don't judge it unknowingly."""

from typing import Annotated

from pydantic import Field

from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import Form, Moment, View


class ReviewBody(Form):
    """An option of opening an order for review."""

    take_over: Annotated[bool, Field(description="Whether to open it also if somebody else has it open.")] = False


class ReviewView(View):
    """Who has an order open for review, and until when, unless they say so again."""

    order: str
    reviewer: Annotated[str, Field(description="The name of their token.", examples=["Olga's laptop"])]
    reviewing_until: Moment


def open_review(call: Call, order_id: str, body: ReviewBody) -> ReviewView:
    """Say that you have an order open for review.

    For two minutes: repeat it while you do. If somebody else has it open, nothing changes and the answer names them, so
    compare `reviewer` with your own name. It is a courtesy: everybody may still decide about the order, and its ETag
    stays.
    """
    review = call.container.order_reviews.open(order_id.upper(), by=call.by, take_over=body.take_over)
    return ReviewView(order=review.order_id, reviewer=review.reviewer, reviewing_until=review.until)


def close_review(call: Call, order_id: str) -> None:
    """Say that you have an order open no more.

    Nothing changes if somebody else has it open.
    """
    call.container.order_reviews.close(order_id.upper(), by=call.by)
