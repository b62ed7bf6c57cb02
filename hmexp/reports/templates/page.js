"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const tip = one("#tip"), said = one("#said");
  const FIRST = innerWidth < 640 ? 8 : 24;

  // Sections: the contents open them; so does printing.
  const sections = all("details.section");
  const openTarget = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("details")) { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", openTarget);
  all("nav a").forEach((link) => link.addEventListener("click", () => setTimeout(openTarget)));
  one(".all").hidden = false;
  all("[data-all]").forEach((button) => button.addEventListener("click", () => {
    sections.forEach((section) => { section.open = button.dataset.all === "open"; });
  }));
  let closed = [];
  addEventListener("beforeprint", () => { closed = sections.filter((section) => !section.open); closed.forEach((section) => { section.open = true; }); });
  addEventListener("afterprint", () => closed.forEach((section) => { section.open = false; }));
  openTarget();

  // Mistakes: filtered, shown some at a time, saved as CSV.
  const gallery = one(".gallery");
  const mistakes = gallery ? JSON.parse(one(".mistakes", gallery).textContent) : { columns: [], rows: [], words: [], coded: [] };
  const place = Object.fromEntries(mistakes.columns.map((name, number) => [name, number]));
  const coded = new Set(mistakes.coded);
  const value = (row, name) => (coded.has(name) ? mistakes.words[row[place[name]]] : row[place[name]]);
  const cards = gallery ? all(".cards > li", gallery) : [];
  const pictures = new Map(cards.map((card) => [Number(card.dataset.row), card]));
  let room = FIRST, chosen = mistakes.rows;
  const fits = (row) => all("[data-by]", gallery).every((select) => {
    if (!select.value) return true;
    return select.dataset.by === "confidence" ? value(row, "confidence") >= Number(select.value) : value(row, select.dataset.by) === select.value;
  });
  const refresh = () => {
    chosen = mistakes.rows.filter(fits);
    const rows = new Set(chosen);
    const shown = cards.filter((card) => rows.has(mistakes.rows[Number(card.dataset.row)]));
    const visible = new Set(shown.slice(0, room));
    cards.forEach((card) => { card.hidden = !visible.has(card); });
    one(".more", gallery).hidden = shown.length <= room;
    const number = (count) => count.toLocaleString("en");
    one(".count", gallery).textContent = `${number(chosen.length)} of ${number(mistakes.rows.length)} mistakes, ${number(visible.size)} shown`;
  };
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const save = () => {
    const names = mistakes.columns.map((name) => (name === "target" ? "label" : name.replace(/^slice\//, "")));
    const lines = chosen.map((row) => mistakes.columns.map((name) => quoted(String(value(row, name)))).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([[names.map(quoted).join(","), ...lines].join("\r\n"), "\r\n"], { type: "text/csv" }));
    link.download = "labels_to_check.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    said.textContent = `${chosen.length} mistakes saved`;
  };
  const choose = (target, predicted) => {
    all("[data-by]", gallery).forEach((select) => { select.value = { target, predicted }[select.dataset.by] || ""; });
    room = FIRST;
    refresh();
  };
  if (gallery) {
    one(".filters", gallery).hidden = false;
    all("[data-by]", gallery).forEach((select) => select.addEventListener("change", () => { room = FIRST; refresh(); }));
    one("[data-do=clear]", gallery).addEventListener("click", () => choose("", ""));
    one("[data-do=csv]", gallery).addEventListener("click", save);
    one("[data-do=more]", gallery).addEventListener("click", () => { room += 2 * FIRST; refresh(); });
    all(".matrix button").forEach((button) => button.addEventListener("click", () => {
      choose(button.dataset.target, button.dataset.predicted);
      hide();
      gallery.closest("details").open = true;
      gallery.scrollIntoView();
      one("select", gallery).focus({ preventScroll: true });
    }));
    refresh();
  }

  // What a mark or a cell says, with the pictures that it stands for.
  const rowsOf = (mark) => {
    if (mark.dataset.row) return [Number(mark.dataset.row)];
    if (!mark.dataset.predicted) return [];
    return [...pictures.keys()].filter((number) => {
      const row = mistakes.rows[number];
      return value(row, "target") === mark.dataset.target && value(row, "predicted") === mark.dataset.predicted;
    });
  };
  const show = (mark, x, y) => {
    const rows = rowsOf(mark).slice(0, 4);
    tip.textContent = mark.dataset.tip;
    const beside = document.createElement("div");
    rows.forEach((number) => { const image = one("img", pictures.get(number)); if (image) beside.append(image.cloneNode()); });
    if (beside.children.length) tip.append(beside);
    if (mark.dataset.predicted && rows.length) {
      const ids = document.createElement("small");
      ids.textContent = rows.map((number) => value(mistakes.rows[number], "article_id")).join(", ");
      tip.append(ids);
    }
    tip.hidden = false;
    const size = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - size.width - 4))}px`;
    tip.style.top = `${y + 18 + size.height > innerHeight ? Math.max(4, y - size.height - 12) : y + 18}px`;
  };
  const hide = () => { tip.hidden = true; };
  const beside = (mark) => { const box = mark.getBoundingClientRect(); show(mark, box.left + box.width / 2, box.top + box.height / 2); };
  const onMark = (event) => { const mark = event.target.closest("[data-tip]"); if (mark) show(mark, event.clientX, event.clientY); else hide(); };
  addEventListener("pointermove", onMark);
  addEventListener("pointerdown", onMark);
  addEventListener("scroll", hide, { passive: true });
  all(".matrix button").forEach((button) => {
    button.setAttribute("aria-label", button.dataset.tip);
    button.addEventListener("focus", () => { if (button.matches(":focus-visible")) beside(button); });
    button.addEventListener("blur", hide);
  });

  // Figures by keyboard: one stop each, arrows go from mark to mark.
  all("svg.plot").forEach((plot) => {
    const marks = all(".mark", plot);
    let now = -1;
    const leave = () => { marks.forEach((mark) => mark.classList.remove("now")); hide(); };
    plot.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!steps || !marks.length) { if (event.key === "Escape") leave(); return; }
      event.preventDefault();
      leave();
      now = (now + steps + marks.length) % marks.length;
      marks[now].classList.add("now");
      beside(marks[now]);
      said.textContent = marks[now].dataset.tip;
    });
    plot.addEventListener("blur", leave);
  });
})();
