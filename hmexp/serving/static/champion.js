// The champion's card: version, data, metrics, promotion.
import { getJson } from "./api.js";
import { count, definitions, element, percent, problem } from "./elements.js";

const NAMES = {
  accuracy: "Accuracy",
  balanced_accuracy: "Balanced accuracy",
  macro_f1: "Macro F1",
  top3_accuracy: "Right class among the first three",
  ece: "Calibration error",
  loss: "Loss",
};
const SPLITS = { "best/val": "Validation", test: "Test" };

export async function showChampion({ main, signal }) {
  let card;
  let catalogue;
  try {
    [card, catalogue] = await Promise.all([getJson("/champion", signal), getJson("/catalogue", signal)]);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    main.querySelector("#headline").replaceWith(problem(error, () => location.reload()));
    return;
  }
  main.querySelector("h1").textContent = card.version ? "The champion" : "The model";
  main.querySelector("#headline").textContent = `${card.name} knows ${count(card.classes.length, "class", "classes")} and looks at pictures of ${card.image_size} × ${card.image_size} pixels.`;
  drawMetrics(main.querySelector("#metrics"), card.metrics);
  drawPromotion(main.querySelector("#promotion"), card);
  const short = (text) => text && element("code", { title: text }, text.slice(0, 12));
  definitions(main.querySelector("#facts"), [
    ["Name", card.name],
    ["Engine", card.engine === "onnx" ? "onnxruntime" : `Keras ${card.versions.keras ?? ""}`],
    ["Run", short(card.run_id)],
    ["Model file", short(card.sha256)],
    ["Data", short(card.data_digest)],
    ["Catalogue here", `${catalogue.name}, ${count(catalogue.articles, "article", "articles")}`],
    ["Temperature", card.temperature.toFixed(3)],
    ["Shape of pictures", { stretch: "stretched to a square", pad: "padded to a square", crop: "the square in the middle" }[card.resize]],
  ]);
  main.querySelector("#known").append(...card.classes.map((name) =>
    element("li", {}, catalogue.classes.some((known) => known.name === name)
      ? element("a", { class: "chip", href: `#/catalogue?${new URLSearchParams({ label: name })}` }, name)
      : element("span", { class: "chip" }, name))));
}

function drawMetrics(place, metrics) {
  const splits = Object.keys(SPLITS).filter((split) => Object.keys(NAMES).some((name) => `${split}/${name}` in metrics));
  if (!splits.length) {
    place.append(element("p", { class: "hint" }, "Its card has no figures."));
    return;
  }
  const rows = Object.entries(NAMES).filter(([name]) => splits.some((split) => `${split}/${name}` in metrics));
  const shown = (name, value) => value === undefined ? "–" : name === "loss" || name === "ece" ? value.toFixed(3) : percent(value);
  place.append(element("table", {},
    element("thead", {}, element("tr", {}, element("td"), ...splits.map((split) => element("th", { scope: "col" }, SPLITS[split])))),
    element("tbody", {}, ...rows.map(([name, text]) => element("tr", {}, element("th", { scope: "row" }, text),
      ...splits.map((split) => element("td", {}, shown(name, metrics[`${split}/${name}`]))))))));
}

function drawPromotion(list, card) {
  if (!card.promotion) {
    const why = card.version ? "The ledger says nothing of this version." : "It is no version of the registry.";
    list.replaceWith(element("p", { class: "hint" }, why));
    return;
  }
  const { decision, when, reason, before, forced } = card.promotion;
  definitions(list, [
    ["Version", card.version],
    ["Decision", forced ? `${decision}, against the guards` : decision],
    ["When", new Date(when).toLocaleString()],
    ["Why", reason],
    ["Before it", before ? `version ${before}` : "nothing: it is the first"],
  ]);
}
