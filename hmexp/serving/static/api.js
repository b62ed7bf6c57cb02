// The server, asked: JSON or blobs out, and a `Problem` with a sentence for people where it does not work.
import { element } from "./elements.js";

export class Problem extends Error {
  constructor(status, message, retryAfter = 0) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

const PATIENCE = 4;

export async function getJson(path, signal) {
  return (await ask(path, { signal })).json();
}

export async function postPicture(path, picture, signal) {
  const body = new FormData();
  body.append("picture", picture, "picture");
  return ask(path, { method: "POST", body, signal });
}

async function ask(path, options, tries = 0) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The server does not answer. Is it still running, and are you connected?");
  }
  if (response.ok) return response;
  if (response.status === 401) {
    await askForKey();
    return ask(path, options, tries);
  }
  const wait = Number(response.headers.get("Retry-After"));
  const failure = new Problem(response.status, await sentence(response), wait);
  // A busy server is asked again, as it wishes; one that prepares something takes longer, and the page says so.
  if (response.status === 503 && wait > 0 && wait <= 2 && tries < PATIENCE) {
    await pause(1000 * wait, options.signal);
    return ask(path, options, tries + 1);
  }
  throw failure;
}

async function sentence(response) {
  try {
    const { detail } = await response.json();
    if (typeof detail === "string" && detail) return detail;
  } catch {
    // not one of the server's own answers
  }
  return `The server answered with an error (${response.status}).`;
}

export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("left", "AbortError"));
    });
  });
}

// What is not ready yet (503) is asked for again until it is, with a word on the state each time.
export async function whenReady(request, signal, tell) {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (error.status !== 503) throw error;
      tell(error.message);
      await pause(1000 * Math.max(2, error.retryAfter), signal);
    }
  }
}

let asking = null;

// Everybody who is refused waits for the one dialog.
function askForKey() {
  asking ??= new Promise((resolve) => {
    const input = element("input", { id: "key", type: "password", autocomplete: "current-password", required: true });
    const wrong = element("p", { class: "problem", role: "alert", hidden: true });
    const form = element("form", {},
      element("h2", { id: "key-title" }, "This server asks for a key"),
      element("p", {}, element("label", { for: "key" }, "API key"), input),
      wrong,
      element("p", {}, element("button", { class: "button", type: "submit" }, "Continue")));
    const dialog = element("dialog", { id: "key-dialog", "aria-labelledby": "key-title" }, form);
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const headers = { "X-API-Key": input.value.trim() };
      const response = await fetch("/session", { method: "POST", headers }).catch(() => null);
      if (response?.ok) {
        dialog.remove();
        asking = null;
        resolve();
        return;
      }
      wrong.textContent = response ? await sentence(response) : "The server does not answer.";
      wrong.hidden = false;
    });
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}
