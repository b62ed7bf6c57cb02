"""A survey and its findings -> the page."""

from collections.abc import Sequence
from dataclasses import asdict

from omegaconf import OmegaConf

from hmexp.config.explore import ExploreConfig
from hmexp.config.secrets import masked
from hmexp.exploration.article_sections import articles_section, columns_section
from hmexp.exploration.class_sections import alike_section, classes_section, examples_section, strategies_section
from hmexp.exploration.findings.finding import PROBLEM, Finding
from hmexp.exploration.picture_sections import copies_section, pictures_section
from hmexp.exploration.survey import Survey
from hmexp.exploration.thumbnails import Thumbnails
from hmexp.reports.catalogue import CataloguePage, Said, Section, catalogue_page


def verdict(survey: Survey, findings: Sequence[Finding]) -> str:
    """What the catalogue is, and how much there is to answer, in two sentences."""
    catalogue = survey.catalogue
    open_ones = sum(finding.level == PROBLEM and finding.is_open for finding in findings)
    words = {0: "Nothing has to be answered before training", 1: "One finding should be answered before training"}
    answer = words.get(open_ones, f"{open_ones} findings should be answered before training")
    return (
        f"{catalogue.num_articles:,} articles, {len(catalogue.rows):,} of them with a label and a picture, "
        f"{len(survey.counts):,} labels that become {len(survey.classes):,} classes. {answer}."
    )


def page_of(survey: Survey, findings: Sequence[Finding], config: ExploreConfig, command: str) -> str:
    """The page as HTML, everything inside."""
    thumbnails = Thumbnails(survey) if survey.pictures is not None else None
    sections: list[Section] = [classes_section(survey, thumbnails), strategies_section(survey)]
    if thumbnails is not None:
        sections += [examples_section(survey, thumbnails, config.examples), pictures_section(survey)]
        sections += [alike_section(survey, thumbnails), copies_section(survey, thumbnails)]
    sections.append(articles_section(survey))
    if survey.columns:
        sections.append(columns_section(survey))
    there = {section.name for section in sections}
    said = [Said(f.level, f.text, f.section if f.section in there else "classes", f.option, f.chosen) for f in findings]
    page = CataloguePage(
        title=f"{survey.catalogue.name}: what the catalogue holds",
        verdict=verdict(survey, findings),
        findings=tuple(said),
        sections=tuple(sections),
        command=command,
        config=masked(OmegaConf.to_yaml(OmegaConf.create({"data": asdict(config.data)}))),
    )
    return catalogue_page(page)
