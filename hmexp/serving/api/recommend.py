"""Articles for a customer."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.exceptions import HTTPException

from hmexp.config.errors import UserError
from hmexp.serving.answers import Recommendations, RecommendedArticle
from hmexp.serving.api.shared import Served, article
from hmexp.serving.catalogue import ID_PATTERN
from hmexp.serving.problems import problems
from hmexp.serving.recommended import NoTable

router = APIRouter(tags=["recommendations"])
CustomerId = Annotated[str, Path(pattern=ID_PATTERN, max_length=64, description="As the table has it.")]


@router.get("/recommend/{customer}", responses=problems(404, 422, 503))
def recommend(service: Served, customer: CustomerId) -> Recommendations:
    """The articles that `recommend` has chosen for a customer; those of another catalogue are left out."""
    try:
        found = service.recommended.of(customer)
    except NoTable:
        raise HTTPException(404, "There is no table of recommendations yet; `hmexp recommend` writes one.") from None
    except UserError:
        raise HTTPException(503, "The table of recommendations cannot be read.", {"Retry-After": "30"}) from None
    if found is None:
        raise HTTPException(404, "The table of recommendations has no such customer.")
    rows = [(service.catalogue.row_of_article(each.article_id), each.reason) for each in found]
    shown = [
        RecommendedArticle(**article(service.catalogue, row).model_dump(), reason=reason)
        for row, reason in rows
        if row is not None
    ]
    return Recommendations(customer=customer, articles=shown)
