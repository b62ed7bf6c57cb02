// The description of the API, drawn from openapi.json.
import { getJson } from "./api.js";
import { element, problem } from "./elements.js";

const place = document.getElementById("endpoints");

try {
  const api = await getJson("/openapi.json");
  document.getElementById("about").textContent = api.info.description;
  let subject = "";
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const [tag] = operation.tags ?? [""];
      if (tag !== subject) place.append(element("h2", {}, tag.charAt(0).toUpperCase() + tag.slice(1)));
      subject = tag;
      place.append(endpoint(api, path, method, operation));
    }
  }
} catch (error) {
  place.append(problem(error));
}

function endpoint(api, path, method, operation) {
  const made = element("section", { class: "endpoint" },
    element("h3", {}, element("span", { class: "method" }, method.toUpperCase()), element("code", {}, path)),
    element("p", {}, operation.description ?? operation.summary));
  const parameters = (operation.parameters ?? []).map((each) => [each.name, `${each.in}, ${type(each.schema)}`, each.description ?? ""]);
  const form = operation.requestBody?.content?.["multipart/form-data"]?.schema;
  for (const [name, schema] of Object.entries(resolve(api, form)?.properties ?? {})) {
    parameters.push([name, "form, file", schema.description ?? ""]);
  }
  if (parameters.length) made.append(table(["Parameter", "Kind", ""], parameters));
  made.append(element("pre", {}, element("code", {}, example(path, method, form, operation.parameters ?? []))));
  const answers = Object.entries(operation.responses).map(([status, each]) => [status, each.description]);
  made.append(element("details", {}, element("summary", {}, "Answers"), table(["Status", ""], answers), ...shape(api, operation)));
  return made;
}

function table(head, rows) {
  return element("table", {},
    element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((text, column) => element("td", {}, column ? text : element("code", {}, text)))))));
}

function type(schema) {
  const kinds = (schema.anyOf ?? [schema]).map((each) => each.type).filter((kind) => kind !== "null");
  const bounds = schema.default !== undefined && schema.default !== "" ? `, ${schema.default} by default` : "";
  return `${kinds.join(" or ")}${bounds}`;
}

function resolve(api, schema) {
  return schema?.$ref ? schema.$ref.split("/").slice(1).reduce((found, key) => found[key], api) : schema;
}

function example(path, method, form, parameters) {
  const filled = path.replace("{address_id}", "0108775015").replace("{customer}", "CUSTOMER");
  const needed = parameters.filter((each) => each.in === "query" && each.required).map((each) => `${each.name}=${each.name === "label" ? "CLASS" : "0108775015"}`);
  const address = `'${location.origin}${filled}${needed.length ? `?${needed.join("&")}` : ""}'`;
  return `curl ${form ? "-F picture=@picture.jpg " : method === "post" ? "-X POST " : ""}${address}`;
}

function shape(api, operation) {
  const schema = resolve(api, operation.responses["200"]?.content?.["application/json"]?.schema);
  if (!schema?.properties) return [];
  const rows = Object.entries(schema.properties).map(([name, each]) => [name, each.type ?? "object", each.description ?? ""]);
  return [table(["Field", "Kind", ""], rows)];
}
