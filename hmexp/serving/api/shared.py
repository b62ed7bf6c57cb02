"""What the routes share: their service, their uploads, and how an article is shown."""

from typing import Annotated

from fastapi import Depends, File, Path, Request, UploadFile
from starlette.exceptions import HTTPException

from hmexp.serving.answers import Article
from hmexp.serving.catalogue import ID_PATTERN, ServedCatalogue
from hmexp.serving.service import Service
from hmexp.serving.uploads import Upload, look_at


def service_of(request: Request) -> Service:
    """The service of the app."""
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(service_of)]
AddressId = Annotated[str, Path(pattern=ID_PATTERN, max_length=64, description="What addresses call it.")]

PICTURE_FORM = {
    "requestBody": {
        "content": {
            "multipart/form-data": {"encoding": {"picture": {"contentType": "image/jpeg, image/png, image/webp"}}}
        }
    }
}
"""What OpenAPI says of the form beside its schema, for the decorator of a route."""


async def upload_of(
    service: Served,
    picture: Annotated[UploadFile, File(description="A JPEG, PNG or WebP file.")],
) -> Upload:
    """The picture of a form, looked at."""
    return look_at(await picture.read(), service.config.max_pixels)


Uploaded = Annotated[Upload, Depends(upload_of)]


def row_of(service: Service, address_id: str) -> int:
    """The row of an article.

    Raises:
        HTTPException: 404, where there is none.
    """
    row = service.catalogue.row(address_id)
    if row is None:
        raise HTTPException(404, "There is no such article.")
    return row


def article(catalogue: ServedCatalogue, row: int) -> Article:
    """An article as it stands in a list."""
    key = catalogue.ids[row]
    return Article(
        id=key,
        article_id=catalogue.article_ids[row],
        name=catalogue.names[row],
        label=catalogue.labels[row],
        picture=f"/articles/{key}/picture",
        thumbnail=f"/articles/{key}/thumbnail",
    )
