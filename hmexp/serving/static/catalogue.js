// The catalogue: by class, by words, a page at a time; all of it is in the address.
import { getJson } from "./api.js";
import { count, element, grid, problem, say } from "./elements.js";

const A_PAGE = 24;

export async function showCatalogue({ main, query, signal, setTitle }) {
  const label = query.get("label") ?? "";
  const words = query.get("q") ?? "";
  const number = Math.max(1, Number.parseInt(query.get("page") ?? "1", 10) || 1);
  main.querySelector("#words").value = words;
  main.querySelector("#search").addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = address(label, main.querySelector("#words").value.trim(), 1);
  });
  if (label) setTitle(label);
  const place = main.querySelector("#articles");
  place.replaceChildren(grid(null));
  const asked = new URLSearchParams({ q: words, offset: (number - 1) * A_PAGE, limit: A_PAGE });
  if (label) asked.set("label", label);
  try {
    const [summary, found] = await Promise.all([getJson("/catalogue", signal), getJson(`/articles?${asked}`, signal)]);
    main.querySelector("h1").textContent = `Catalogue ${summary.name}`;
    drawClasses(main, summary, label, words);
    draw(main, place, found, label, words, number);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    place.replaceChildren(problem(error, () => showCatalogue({ main, query, signal, setTitle })));
  }
}

function address(label, words, number) {
  const query = new URLSearchParams();
  if (label) query.set("label", label);
  if (words) query.set("q", words);
  if (number > 1) query.set("page", number);
  return query.size ? `#/catalogue?${query}` : "#/catalogue";
}

function drawClasses(main, summary, label, words) {
  const chips = main.querySelector("#classes");
  chips.classList.add("classes-scroll");
  const entries = [{ name: "", articles: summary.articles }, ...summary.classes];
  chips.replaceChildren(...entries.map(({ name, articles }) =>
    element("a", { class: "chip", href: address(name, words, 1), "aria-current": name === label ? "true" : false },
      name || "All", element("span", { class: "number" }, articles.toLocaleString("en")))));
  chips.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

function draw(main, place, found, label, words, number) {
  const last = Math.max(1, Math.ceil(found.total / A_PAGE));
  const what = `${count(found.total, "article", "articles")}${label ? ` of ${label}` : ""}${words ? ` for “${words}”` : ""}`;
  main.querySelector("#count").textContent = what;
  say(what);
  if (found.total === 0) {
    const all = element("a", { href: address("", "", 1) }, "Show all articles");
    place.replaceChildren(element("p", { class: "notice" }, "No article has these words. Try fewer of them, or another class. ", all, "."));
    return;
  }
  place.replaceChildren(grid(found.articles));
  if (last === 1) return;
  const step = (to, text) => to < 1 || to > last ? null : element("a", { class: "button plain", href: address(label, words, to) }, text);
  main.querySelector("#pages").append(...[step(number - 1, "Previous"), element("span", {}, `Page ${number} of ${last}`), step(number + 1, "Next")].filter(Boolean));
}
