// Which page is shown, by the part of the address behind #, so that back and forward work.
import { getJson } from "./api.js";
import { page } from "./elements.js";
import { showArticle } from "./article.js";
import { showCatalogue } from "./catalogue.js";
import { showChampion } from "./champion.js";
import { showPicture } from "./picture.js";

const main = document.getElementById("main");
const scrolls = new Map();
let leave = new AbortController();
let shown = null;
let places = 0;

function route(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  return { name, id: rest.join("/"), query: new URLSearchParams(query) };
}

const PAGES = {
  "": { title: "Classify a picture", menu: "picture", show: showPicture },
  catalogue: { title: "Catalogue", menu: "catalogue", show: showCatalogue },
  article: { title: "Article", menu: "catalogue", show: showArticle },
  champion: { title: "The champion", menu: "champion", show: showChampion },
};

async function show() {
  if (history.state?.place === undefined) history.replaceState({ place: (places += 1) }, "");
  const place = history.state.place;
  places = Math.max(places, place);
  if (shown !== null) scrolls.set(shown, window.scrollY);
  const before = shown;
  shown = place;
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const { name, id, query } = route(location.hash);
  const chosen = PAGES[name];
  for (const link of document.querySelectorAll("nav a[data-page]")) {
    if (chosen?.menu === link.dataset.page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  setTitle(chosen?.title ?? "Nothing here");
  const content = page(chosen ? `${chosen.menu === "catalogue" && name === "article" ? "article" : chosen.menu}-page` : "missing-page");
  main.replaceChildren(content);
  window.scrollTo(0, 0);
  if (before !== null) focusHeading();
  try {
    await chosen?.show({ main, id, query, signal, setTitle });
    if (!signal.aborted && scrolls.has(place)) window.scrollTo(0, scrolls.get(place));
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function setTitle(title) {
  document.title = `${title} · hmexp`;
}

function focusHeading() {
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

async function tellModel() {
  try {
    document.getElementById("model").textContent = `Answered by ${(await getJson("/health")).model}`;
  } catch {
    document.getElementById("model").textContent = "";
  }
}

history.scrollRestoration = "manual";
window.addEventListener("hashchange", show);
show();
tellModel();
setInterval(tellModel, 15000);
