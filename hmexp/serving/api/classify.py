"""Classes of an upload, and where the model looked."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.exceptions import HTTPException

from hmexp.serving.answers import Classification, ClassProbability
from hmexp.serving.api.shared import PICTURE_FORM, Served, Uploaded
from hmexp.serving.problems import problems

router = APIRouter(tags=["pictures"])


@router.post("/classify", openapi_extra=PICTURE_FORM, responses=problems(400, 408, 413, 415, 422, 503))
async def classify(service: Served, upload: Uploaded) -> Classification:
    """Classify a picture: every class with its calibrated probability."""
    model = service.model
    probabilities = await model.classify(upload)
    classes = [
        ClassProbability(name=name, probability=float(probability))
        for name, probability in zip(model.classifier.class_names, probabilities, strict=True)
    ]
    classes.sort(key=lambda found: -found.probability)
    return Classification(model=model.name, classes=classes)


@router.post(
    "/heatmap",
    openapi_extra=PICTURE_FORM,
    response_class=Response,
    responses=problems(400, 404, 408, 413, 415, 422, 503) | {200: {"content": {"image/png": {}}}},
)
async def heat_map(
    service: Served,
    upload: Uploaded,
    label: Annotated[str, Query(max_length=300, description="The class that the map is about.")],
) -> Response:
    """What speaks for a class (Grad-CAM): a PNG that lies over the upright picture."""
    model = service.model
    if label not in model.classifier.class_names:
        raise HTTPException(404, "The model has no such class.")
    if model.grad_cam is None:
        raise HTTPException(404, "This model has no layer whose heat map could be shown.")
    target = model.classifier.class_names.index(label)
    return Response(await model.heat_map(upload, target), media_type="image/png")
