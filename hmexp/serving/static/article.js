// An article, and what looks like it: a walk from one to the next.
import { getJson, whenReady } from "./api.js";
import { count, definitions, element, grid, problem, say, spinner } from "./elements.js";

const kept = { sameClass: false, noVariants: false }; // along the walk
let asked = 0; // an answer that comes after a later question's is of no interest

export async function showArticle({ main, id, signal, setTitle }) {
  let article;
  try {
    article = await getJson(`/articles/${encodeURIComponent(id)}`, signal);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const heading = element("h1", {}, error.status === 404 || error.status === 422 ? "No such article" : "This did not work");
    main.replaceChildren(heading, problem(error), element("p", {}, element("a", { href: "#/catalogue" }, "Browse the catalogue")));
    return;
  }
  setTitle(article.name);
  draw(main, article);
  const same = main.querySelector("#same-class");
  const others = main.querySelector("#no-variants");
  same.checked = kept.sameClass;
  others.checked = kept.noVariants;
  const update = () => {
    kept.sameClass = same.checked;
    kept.noVariants = others.checked;
    return showSimilar(main, article, signal);
  };
  same.addEventListener("change", update);
  others.addEventListener("change", update);
  await showSimilar(main, article, signal);
}

function draw(main, article) {
  main.querySelector("#name").textContent = article.name;
  const picture = main.querySelector("#large");
  picture.addEventListener("error", () => picture.replaceWith("no picture"));
  picture.alt = `Picture of ${article.name}`;
  picture.src = article.picture;
  const label = main.querySelector("#label");
  if (article.label) {
    label.textContent = article.label;
    label.href = `#/catalogue?${new URLSearchParams({ label: article.label })}`;
  } else {
    label.remove();
  }
  const details = Object.entries(article.details).map(([name, text]) => [words(name), text]);
  definitions(main.querySelector("#details"), [["Id", article.article_id], ...details]);
}

function words(column) {
  const text = column.replace(/_name$/, "").replaceAll("_", " ");
  return text === "detail desc" ? "Description" : text.charAt(0).toUpperCase() + text.slice(1);
}

async function showSimilar(main, article, signal) {
  const mine = (asked += 1);
  const place = main.querySelector("#similar");
  place.replaceChildren(grid(null));
  const query = new URLSearchParams({ id: article.id, k: 18, same_class: kept.sameClass, exclude_variants: kept.noVariants });
  try {
    const ask = () => getJson(`/similar?${query}`, signal);
    const found = await whenReady(ask, signal, (text) => place.replaceChildren(spinner(text)));
    if (mine !== asked) return;
    const none = element("p", { class: "notice" }, "Nothing else in the catalogue fits these conditions.");
    place.replaceChildren(found.articles.length ? grid(found.articles) : none);
    say(count(found.articles.length, "similar article", "similar articles"));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (mine === asked) place.replaceChildren(problem(error, error.status === 404 ? null : () => showSimilar(main, article, signal)));
  }
}
