// Small pieces that the pages are made of. Text from outside only ever becomes text, never markup.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function page(id) {
  return document.getElementById(id).content.cloneNode(true);
}

export function say(text) {
  document.getElementById("announcer").textContent = text;
}

export function spinner(text) {
  return element("p", {}, element("span", { class: "spinner", "aria-hidden": "true" }), text);
}

export function percent(share) {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return `${(100 * share).toFixed(1)} %`;
}

export function count(number, one, many) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

export function problem(error, again = null) {
  const box = element("div", { class: "problem", role: "alert" }, error.message);
  if (again) box.append(" ", element("button", { class: "button plain", type: "button", onclick: again }, "Try again"));
  return box;
}

export function definitions(list, pairs) {
  for (const [term, text] of pairs) {
    if (text === "" || text === null || text === undefined) continue;
    list.append(element("dt", {}, term), element("dd", {}, text));
  }
}

// A grid of articles; `null` draws places for what is on its way.
export function grid(articles) {
  const list = element("ul", { class: "grid" });
  if (articles === null) {
    list.setAttribute("aria-busy", "true");
    for (let number = 0; number < 6; number += 1) {
      const text = element("span", { class: "text" }, element("span"), element("span"));
      list.append(element("li", { "aria-hidden": "true" }, element("div", { class: "tile waiting" }, element("span", { class: "photo" }), text)));
    }
    return list;
  }
  for (const article of articles) list.append(element("li", {}, tile(article)));
  return list;
}

function tile(article) {
  const picture = element("img", { src: article.thumbnail, alt: "", loading: "lazy", width: 192, height: 256 });
  picture.addEventListener("error", () => picture.replaceWith(element("span", { class: "hint" }, "no picture")));
  const photo = element("span", { class: "photo" }, picture);
  if (article.score !== undefined) {
    const spoken = element("span", { class: "unseen" }, "similarity ");
    photo.append(element("span", { class: "score", title: "cosine similarity of the features" }, spoken, article.score.toFixed(2)));
  }
  const name = element("span", { class: "name" }, article.name.replaceAll("/", "/\u200b")); // may break there
  const text = element("span", { class: "text" }, name, element("span", { class: "class" }, article.label));
  return element("a", { class: "tile", href: `#/article/${article.id}` }, photo, text);
}
