"""Similar articles of the server: a gallery of the catalogue, and the features of an upload beside it."""

from dataclasses import dataclass

from hmexp.recommend.similar import Filters, Gallery, SimilarArticle, query_of_article, query_of_features
from hmexp.recommend.similar import similar_articles as search
from hmexp.serving.batcher import Batcher
from hmexp.serving.model import ServedModel
from hmexp.serving.uploads import Upload


@dataclass(frozen=True)
class SimilarSearch:
    """Searches by the features of one model, which it keeps, whatever becomes the champion meanwhile.

    Attributes:
        gallery: Of the catalogue.
        model: Whose features it has.
        features: Features of pictures, in batches.
    """

    gallery: Gallery
    model: ServedModel
    features: Batcher

    def of_article(self, article_id: str, k: int, filters: Filters) -> list[SimilarArticle]:
        """The articles most like one of the catalogue.

        Raises:
            UserError: It has no vector: its picture cannot be read.
        """
        return search(self.gallery, query_of_article(self.gallery, article_id), k, filters)

    async def of_upload(self, upload: Upload, k: int, same_class: bool) -> list[SimilarArticle]:
        """The articles most like a picture from outside.

        Args:
            upload: The picture.
            k: How many at most.
            same_class: Only those of the likeliest class.

        Raises:
            RefusedPicture: It cannot be read.
            QueueFull: Too many wait.
        """
        pixels = await self.model.decode(upload)
        features = await self.features(pixels)
        label = ""
        if same_class:
            label = self.model.classifier.class_names[int((await self.model.batcher(pixels)).argmax())]
        query = query_of_features(features, label)
        filters = Filters(same_class=same_class)
        return await self.model.workers.decode(search, self.gallery, query, k, filters)
