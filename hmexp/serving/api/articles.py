"""The catalogue: its classes, its articles, their pictures."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.exceptions import HTTPException

from hmexp.catalogue.pictures import BadPicture
from hmexp.serving.answers import ArticleDetails, ArticlePage, CatalogueSummary, CountedClass
from hmexp.serving.api.shared import AddressId, Served, article, row_of
from hmexp.serving.problems import problems
from hmexp.serving.service import Service
from hmexp.store.thumbnails import jpeg_of

router = APIRouter(tags=["catalogue"])
THUMBNAIL, LARGE = 256, 720
"""Pixels of the longer side."""
KEPT = {"Cache-Control": "private, max-age=3600"}
JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}


@router.get("/catalogue")
def catalogue(service: Served) -> CatalogueSummary:
    """The catalogue: how many articles each class has."""
    found = service.catalogue
    classes = [CountedClass(name=name, articles=count) for name, count in found.counts.items()]
    return CatalogueSummary(name=found.articles.name, articles=len(found), classes=classes)


@router.get("/articles", responses=problems(404, 422))
def articles(
    service: Served,
    label: Annotated[str | None, Query(max_length=300, description="Only of this class.")] = None,
    q: Annotated[str, Query(max_length=200, description="Words of the name, the id or a detail.")] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 24,
) -> ArticlePage:
    """Articles by class and words, a page at a time."""
    if label is not None and label not in service.catalogue.counts:
        raise HTTPException(404, "The catalogue has no such class.")
    found = service.catalogue.find(label, q, offset, limit)
    shown = [article(service.catalogue, row) for row in found.rows]
    return ArticlePage(total=found.total, offset=offset, articles=shown)


@router.get("/articles/{address_id}", responses=problems(404, 422))
def one_article(service: Served, address_id: AddressId) -> ArticleDetails:
    """An article, with what the catalogue says of it."""
    row = row_of(service, address_id)
    return ArticleDetails(**article(service.catalogue, row).model_dump(), details=service.catalogue.details(row))


@router.get("/articles/{address_id}/picture", response_class=Response, responses=problems(404, 422, 503) | JPEG)
async def picture(service: Served, address_id: AddressId) -> Response:
    """The picture of an article, as a JPEG of up to 720 pixels a side."""
    return await _jpeg(service, row_of(service, address_id), LARGE)


@router.get("/articles/{address_id}/thumbnail", response_class=Response, responses=problems(404, 422, 503) | JPEG)
async def thumbnail(service: Served, address_id: AddressId) -> Response:
    """A small picture of an article, as a JPEG of up to 256 pixels a side."""
    return await _jpeg(service, row_of(service, address_id), THUMBNAIL)


async def _jpeg(service: Service, row: int, longest: int) -> Response:
    articles = service.catalogue.articles
    image = str(articles.rows["image"].iloc[row])
    try:
        content = await service.workers.decode(jpeg_of, articles.source, image, longest, articles.max_pixels)
    except BadPicture:
        raise HTTPException(404, "The picture of this article cannot be read.") from None
    return Response(content, media_type="image/jpeg", headers=KEPT)
