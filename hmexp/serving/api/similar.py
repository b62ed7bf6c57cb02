"""Similar articles, of an article or of an upload."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException

from hmexp.config.errors import UserError
from hmexp.recommend.similar import Filters
from hmexp.recommend.similar import SimilarArticle as Found
from hmexp.serving import answers
from hmexp.serving.api.shared import PICTURE_FORM, Served, Uploaded, article, row_of
from hmexp.serving.catalogue import ID_PATTERN
from hmexp.serving.problems import problems
from hmexp.serving.service import Service
from hmexp.serving.similar import SimilarSearch

router = APIRouter(tags=["similar articles"])
Count = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
SameClass = Annotated[bool, Query(description="Only articles of the same class; for an upload, of its likeliest.")]
SOON = {"Retry-After": "5"}


@router.get("/similar", responses=problems(404, 422, 503))
def similar_to_article(
    service: Served,
    id: Annotated[str, Query(pattern=ID_PATTERN, max_length=64, description="Of the article.")],
    k: Count = 12,
    same_class: SameClass = False,
    exclude_variants: Annotated[bool, Query(description="No other colours of the same product.")] = False,
) -> answers.SimilarArticles:
    """The articles that look most like an article."""
    row = row_of(service, id)
    search = _search(service)
    try:
        found = search.of_article(
            service.catalogue.article_ids[row], k, Filters(same_class and _has_class(service, row), exclude_variants)
        )
    except UserError:
        raise HTTPException(404, "The picture of this article cannot be read, so nothing is like it.") from None
    return _answer(service, search, found)


@router.post("/similar", openapi_extra=PICTURE_FORM, responses=problems(400, 408, 413, 415, 422, 503))
async def similar_to_picture(
    service: Served, upload: Uploaded, k: Count = 12, same_class: SameClass = False
) -> answers.SimilarArticles:
    """The articles that look most like a picture."""
    search = _search(service)
    return _answer(service, search, await search.of_upload(upload, k, same_class))


def _search(service: Service) -> SimilarSearch:
    if service.similar is None:
        raise HTTPException(503, f"Similar articles are not ready: {service.similar_state}.", SOON)
    return service.similar


def _has_class(service: Service, row: int) -> bool:
    return bool(service.catalogue.labels[row])


def _answer(service: Service, search: SimilarSearch, found: list[Found]) -> answers.SimilarArticles:
    rows = [(service.catalogue.row_of_article(each.article_id), each.score) for each in found]
    shown = [
        answers.SimilarArticle(**article(service.catalogue, row).model_dump(), score=min(1.0, score))
        for row, score in rows
        if row is not None
    ]
    return answers.SimilarArticles(model=search.model.name, articles=shown)
