"""What the API answers, as OpenAPI shows it."""

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str = Field(description="A sentence for the person who sent it.")


class ClassProbability(BaseModel):
    """A class and how likely it is."""

    name: str
    probability: float = Field(description="Calibrated, from 0 to 1; those of all classes sum to 1.")


class Classification(BaseModel):
    """What the model says of a picture."""

    model: str = Field(description="The model that answered, such as `hmexp-sample version 3`.")
    classes: list[ClassProbability] = Field(description="The likeliest first.")


class Article(BaseModel):
    """An article in a list."""

    id: str = Field(description="What addresses call it.")
    article_id: str = Field(description="What the catalogue calls it.")
    name: str
    label: str = Field(description="Its class; empty where it has none.")
    picture: str = Field(description="Address of its picture.")
    thumbnail: str = Field(description="Address of a small picture of it.")


class ArticleDetails(Article):
    """An article, with what the catalogue says of it."""

    details: dict[str, str]


class ArticlePage(BaseModel):
    """A page of articles."""

    total: int = Field(description="Articles on all pages.")
    offset: int
    articles: list[Article]


class CountedClass(BaseModel):
    """A class of the catalogue."""

    name: str
    articles: int


class CatalogueSummary(BaseModel):
    """What the catalogue holds."""

    name: str
    articles: int
    classes: list[CountedClass]


class SimilarArticle(Article):
    """An article that looks like another, or like a picture."""

    score: float = Field(description="Cosine similarity of the features, at most 1.")


class SimilarArticles(BaseModel):
    """The articles that look most like an article or a picture."""

    model: str = Field(description="The model whose features were compared.")
    articles: list[SimilarArticle] = Field(description="The most similar first.")


class RecommendedArticle(Article):
    """An article for a customer."""

    reason: str = Field(description="Why it is shown.")


class Recommendations(BaseModel):
    """Articles for a customer."""

    customer: str
    articles: list[RecommendedArticle] = Field(description="The best first.")


class Promotion(BaseModel):
    """How the model became what it is, by the ledger."""

    decision: str
    when: str = Field(description="ISO 8601.")
    reason: str
    before: str = Field(description="The version before; empty for none.")
    forced: bool = Field(description="Whether the guards were overridden.")


class ChampionCard(BaseModel):
    """The model that answers."""

    name: str
    version: str = Field(description="Of the registry; empty for a model that is not registered.")
    run_id: str
    engine: str
    classes: list[str]
    image_size: int = Field(description="Pixels of a side.")
    resize: str
    temperature: float = Field(description="What logits are divided by, so that probabilities are calibrated.")
    metrics: dict[str, float]
    data_digest: str
    sha256: str = Field(description="Of the model's file.")
    versions: dict[str, str] = Field(description="Libraries that it was made with.")
    promotion: Promotion | None = None


class Health(BaseModel):
    """Whether the server answers."""

    status: str = Field(description="`ok`, or `busy` while the queue is full.")
    model: str
    similar: str = Field(description="`ready`, or what it waits for.")
