"""Labels that are likely wrong, found from confidences alone."""

import numpy as np
import pyarrow as pa

from hmexp.inference.mislabelled import find_mislabelled

CLASSES = ("a", "b", "c")


def table(labels, probabilities):
    """A part of a prediction."""
    probabilities = np.asarray(probabilities, np.float32)
    best = probabilities.argmax(axis=1)
    own = [
        row[CLASSES.index(label)] if label in CLASSES else None
        for row, label in zip(probabilities, labels, strict=True)
    ]
    return pa.table(
        {
            "article_id": [f"{number:04}" for number in range(len(labels))],
            "image": [f"{number}.jpg" for number in range(len(labels))],
            "label": pa.array(labels, pa.string()),
            "top_1": [CLASSES[place] for place in best],
            "confidence_1": probabilities.max(axis=1),
            "label_confidence": pa.array(own, pa.float32()),
        }
    )


def made(num=3000, share=0.02, seed=0):
    """Labels of which a share is wrong, and what a model of 90 % says that knows nothing of that."""
    rng = np.random.default_rng(seed)
    true = rng.integers(3, size=num)
    flipped = rng.random(num) < share
    labels = np.where(flipped, (true + 1 + rng.integers(2, size=num)) % 3, true)
    logits = rng.normal(0, 1.2, size=(num, 3))
    logits[np.arange(num), true] += 4
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return [CLASSES[place] for place in labels], probabilities, flipped


def test_most_flipped_labels_are_found_and_few_others():
    labels, probabilities, flipped = made()
    found = find_mislabelled(iter([table(labels, probabilities)]), CLASSES)
    hits = flipped[found["article_id"].astype(int)].sum()
    assert hits / flipped.sum() > 0.6
    assert hits / len(found) > 0.6
    assert flipped[found["article_id"].astype(int)][:20].mean() > 0.9, "the clearest first"
    assert found["margin"].is_monotonic_decreasing


def test_parts_give_what_the_whole_gives():
    labels, probabilities, _ = made(num=500)
    whole = table(labels, probabilities)
    parts = [whole.slice(0, 200), whole.slice(200, 1), whole.slice(201)]
    assert find_mislabelled(iter(parts), CLASSES).equals(find_mislabelled(iter([whole]), CLASSES))


def test_unlabelled_articles_and_those_of_unknown_classes_are_left_alone():
    part = table([None, "other", "a", "b"], [[0.1, 0.9, 0.0]] * 4)
    assert find_mislabelled(iter([part]), CLASSES)["article_id"].tolist() == ["0002"]
    assert find_mislabelled(iter([part.slice(0, 2)]), CLASSES).empty
    assert find_mislabelled(iter([]), CLASSES).empty


def test_a_prediction_that_is_not_surer_than_others_of_its_class_is_no_sign():
    """Articles of the label b reach 0.95 on average: another of 0.6 is taken for b by chance."""
    labels = ["b"] * 10 + ["a"]
    part = table(labels, [[0.05, 0.95, 0.0]] * 10 + [[0.4, 0.6, 0.0]])
    assert find_mislabelled(iter([part]), CLASSES).empty
