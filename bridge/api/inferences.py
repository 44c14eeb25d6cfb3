"""/v1/inferences: verified inferences, by id and by what is known of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, TypeAdapter

from bridge.api.parameters import (
    AccountText,
    Count,
    FinalityText,
    GradeText,
    HexId,
    PageQuestion,
    address_or_none,
    hex32_or_none,
)
from bridge.api.problems import DOCUMENTED
from bridge.api.reply import reply
from bridge.api.server import server_of
from bridge.core.finality import Finality
from bridge.core.grade import Grade
from bridge.core.word import Hex32
from bridge.query.answers.condition import LONGEST, parse_condition
from bridge.query.answers.inferences import Inference, inference
from bridge.query.answers.place import LAST_BLOCK, Page
from bridge.query.answers.search import Search, search

router = APIRouter(tags=["inferences"], responses=DOCUMENTED)

_ONE = TypeAdapter(Inference)
_PAGE = TypeAdapter(Page[Inference])
_MOST_CONDITIONS = 8


class InferenceQuestion(PageQuestion):
    """Which inferences: all that is given has to hold."""

    model: HexId | None = None
    """Of this model."""
    submitter: AccountText | None = None
    """Whose transaction verified it first."""
    grade: GradeText = Grade.CLAIMED.label
    """At least so well assured."""
    finality: FinalityText = Finality.MINED.label
    """At least so sure to stay."""
    since: Count | None = None
    """Verified then or later, by the time of the block in seconds since 1970 (UTC)."""
    until: Count | None = None
    """Verified then or earlier."""
    from_block: Count = 0
    """In this block or later."""
    to_block: Count | None = None
    """In this block or earlier."""
    where: list[Annotated[str, Field(max_length=LONGEST)]] = Field(
        [], max_length=_MOST_CONDITIONS, examples=[["output.score>=0.8", "input.x[3]<1"]]
    )
    """Conditions on decoded numbers of the model, as often as there are conditions: `output.score>=0.8`, `input.x[3]<1`,
    `output.y[0,2]!=0` by the axes of a tensor, `output[2]=1` by the place among all numbers of a side. Signs: >= > <= < = !=.
    They need `model`, and know the first 16 numbers of a side."""

    def search(self) -> Search:
        """The same, read. Raises `ConditionMalformed`."""
        return Search(
            hex32_or_none(self.model),
            address_or_none(self.submitter),
            Grade.parse(self.grade),
            Finality.parse(self.finality),
            self.since,
            self.until,
            self.from_block,
            LAST_BLOCK - 1 if self.to_block is None else self.to_block,
            tuple(parse_condition(text) for text in self.where),
        )


@router.get(
    "/v1/inferences",
    operation_id="listInferences",
    summary="Verified inferences, the newest first",
    response_model=Page[Inference],
)
async def list_inferences(request: Request, asked: Annotated[InferenceQuestion, Query()]) -> Response:
    """Each statement once, by the place where it was verified first. A page may be shorter than its limit and not the last: then
    few of those that were looked at hold. A cursor names a place on the chain and stays good over a reorganisation.
    """
    wanted = asked.search()
    page = await server_of(request).reader.ask(
        lambda view: search(view.connection, view.now, view.face_of, wanted, asked.cursor, asked.limit)
    )
    return reply(request, _PAGE, page)


@router.get(
    "/v1/inferences/{inference_id}",
    operation_id="getInference",
    summary="One verified inference",
    response_model=Inference,
)
async def get_inference(request: Request, inference_id: HexId) -> Response:
    """With its decoded numbers, every time that it was verified, and the call that confirms it on the chain."""
    found = await server_of(request).reader.ask(
        lambda view: inference(view.connection, view.now, view.face_of, Hex32(inference_id)), is_short=True
    )
    return reply(request, _ONE, found, is_final=found.finality is Finality.FINAL)
