// A picture is chosen, dropped or pasted: its classes, where the model looked, and what is like it.
import { postPicture, whenReady } from "./api.js";
import { element, grid, percent, problem, say, spinner } from "./elements.js";

const FEW = 6;
const SHRUNK_FROM = 4_000_000;
const LONGEST_SIDE = 1600;
const TAKEN = ["image/jpeg", "image/png", "image/webp"];
const CONVERTED = ["image/heic", "image/heif", "image/avif", "image/bmp"];

let current = null; // stays while other pages are shown, so that back leads to it

export function showPicture({ main, signal }) {
  const drop = main.querySelector("#drop");
  const file = main.querySelector("#file");
  const take = (chosen) => chosen && classify(main, chosen, signal);
  file.addEventListener("change", () => take(file.files[0]));
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  main.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files[0]);
  }, { signal });
  main.addEventListener("dragover", (event) => event.preventDefault(), { signal });
  document.addEventListener("paste", (event) => take([...event.clipboardData.files][0]), { signal });
  main.querySelector("#heat-on").addEventListener("change", () => showHeat(main, signal));
  if (current !== null) return present(main, signal);
  return undefined;
}

async function classify(main, file, signal) {
  forget();
  main.querySelector("#problem").hidden = true;
  main.querySelector("#result").hidden = true;
  if (file.type && !file.type.startsWith("image/")) {
    refuse(main, `${file.name || "This file"} is no picture. JPEG, PNG and WebP are taken.`);
    return;
  }
  const picture = await fitting(file);
  current = { picture, url: URL.createObjectURL(picture), classes: null, similar: null, chosen: null, heats: new Map() };
  await present(main, signal);
}

function forget() {
  if (current === null) return;
  URL.revokeObjectURL(current.url);
  for (const url of current.heats.values()) URL.revokeObjectURL(url);
  current = null;
}

function refuse(main, text) {
  const box = main.querySelector("#problem");
  box.textContent = text;
  box.hidden = false;
  main.querySelector("#result").hidden = true;
  main.querySelector("#drop").classList.remove("small");
}

// Large photographs are shrunk and a phone's own formats are converted here, where the browser can.
async function fitting(file) {
  const large = TAKEN.includes(file.type) && file.size > SHRUNK_FROM;
  if (!large && !CONVERTED.includes(file.type)) return file;
  try {
    const bitmap = await createImageBitmap(file);
    const shrink = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = element("canvas", { width: Math.round(bitmap.width * shrink), height: Math.round(bitmap.height * shrink) });
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? file), "image/jpeg", 0.92));
  } catch {
    return file;
  }
}

async function present(main, signal) {
  const mine = current;
  main.querySelector("#drop").classList.add("small");
  main.querySelector("#shown").src = mine.url;
  main.querySelector("#result").hidden = false;
  const bars = main.querySelector("#bars");
  if (mine.classes === null) {
    bars.replaceChildren(element("li", {}, spinner("Looking at the picture…")));
    say("Looking at the picture");
  }
  main.querySelector("#similar").replaceChildren(grid(null));
  const similar = showSimilar(main, mine, signal);
  try {
    mine.classes ??= (await (await postPicture("/classify", mine.picture, signal)).json()).classes;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (mine === current) {
      forget();
      refuse(main, error.message);
    }
    await similar;
    return;
  }
  if (mine !== current || signal.aborted) return;
  mine.chosen ??= mine.classes[0].name;
  drawBars(main, mine, signal);
  say(`${mine.classes[0].name}, ${percent(mine.classes[0].probability)}`);
  showHeat(main, signal);
  await similar;
}

function drawBars(main, mine, signal, all = false) {
  const bars = main.querySelector("#bars");
  const shown = all ? mine.classes : mine.classes.slice(0, FEW);
  bars.replaceChildren(...shown.map((found) => element("li", {}, bar(found, mine, () => {
    mine.chosen = found.name;
    for (const button of bars.querySelectorAll("button[aria-pressed]")) {
      button.setAttribute("aria-pressed", String(button.dataset.name === found.name));
    }
    showHeat(main, signal);
  }))));
  if (shown.length < mine.classes.length) {
    const rest = () => {
      drawBars(main, mine, signal, true);
      bars.querySelectorAll("button")[FEW].focus();
    };
    bars.append(element("li", {}, element("button", { type: "button", class: "more", onclick: rest }, `Show all ${mine.classes.length} classes`)));
  }
}

function bar(found, mine, choose) {
  const filled = element("span");
  filled.style.width = `${(100 * found.probability).toFixed(2)}%`;
  const pressed = String(found.name === mine.chosen);
  return element("button", { type: "button", "aria-pressed": pressed, "data-name": found.name, onclick: choose },
    element("span", { class: "class" }, found.name),
    element("span", { class: "share" }, percent(found.probability)),
    element("span", { class: "track", "aria-hidden": "true" }, filled));
}

async function showHeat(main, signal) {
  const mine = current;
  const heat = main.querySelector("#heat");
  const note = main.querySelector("#heat-note");
  main.querySelector("#heat-class").textContent = mine?.chosen ?? "the class";
  note.hidden = true;
  heat.hidden = true;
  if (mine?.chosen == null || !main.querySelector("#heat-on").checked) return;
  const wanted = mine.chosen;
  try {
    if (!mine.heats.has(wanted)) {
      note.textContent = "Computing the heat map…";
      note.hidden = false;
      const response = await postPicture(`/heatmap?label=${encodeURIComponent(wanted)}`, mine.picture, signal);
      mine.heats.set(wanted, URL.createObjectURL(await response.blob()));
    }
    if (mine !== current || wanted !== mine.chosen) return;
    heat.src = mine.heats.get(wanted);
    heat.alt = `Heat map of what speaks for ${wanted}`;
    heat.hidden = !main.querySelector("#heat-on").checked;
    note.textContent = "Red speaks most for the class; where it is clear, nothing does.";
    note.hidden = false;
  } catch (error) {
    if (error.name === "AbortError") return;
    note.textContent = error.message;
    note.hidden = false;
  }
}

async function showSimilar(main, mine, signal) {
  const place = main.querySelector("#similar");
  try {
    const ask = async () => (await postPicture("/similar?k=12", mine.picture, signal)).json();
    mine.similar ??= (await whenReady(ask, signal, (text) => place.replaceChildren(spinner(text)))).articles;
    if (mine === current) place.replaceChildren(grid(mine.similar));
  } catch (error) {
    if (error.name !== "AbortError" && mine === current) {
      place.replaceChildren(problem(error, () => showSimilar(main, mine, signal)));
    }
  }
}
