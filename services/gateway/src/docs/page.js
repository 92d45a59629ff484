"use strict";
// Renders /openapi.json. Text is only ever set as text, never as markup.
const el = (tag, props, ...children) => {
  const node = document.createElement(tag);
  Object.assign(node, props || {});
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};
// `code` in comments becomes <code>.
const text = (comment, className) => {
  const node = el("div", { className: className || "text" });
  (comment || "").split("`").forEach((part, index) => node.append(index % 2 ? el("code", {}, part) : part));
  return node;
};
let spec;
const resolve = (schema) => {
  const name = schema && schema.$ref && schema.$ref.split("/").pop();
  return name ? { name, ...spec.components.schemas[name], description: schema.description || spec.components.schemas[name].description } : schema || {};
};
const typeName = (schema) => {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop().split(".").pop();
  if (schema.type === "array") return "list of " + typeName(schema.items);
  if (schema.type === "object" && schema.additionalProperties && schema.additionalProperties !== true) return "map of " + typeName(schema.additionalProperties);
  return [schema.type, schema.format || schema.contentEncoding].filter(Boolean).join(", ");
};
const inner = (schema) => (schema.type === "array" ? schema.items : schema.additionalProperties && schema.additionalProperties.$ref ? schema.additionalProperties : schema);
const row = (name, schema, note) => {
  const body = el("td", {}, el("span", { className: "soft" }, typeName(schema) + (note ? ", " + note : "")), text(schema.description));
  const target = inner(schema);
  if (target && target.$ref) body.append(lazy(target));
  return el("tr", {}, el("td", {}, el("code", {}, name)), body);
};
// Nested messages are rendered when opened: some contain themselves.
const lazy = (schema) => {
  const details = el("details", {}, el("summary", { className: "soft" }, typeName(schema)));
  details.addEventListener("toggle", () => { if (details.open && details.children.length === 1) details.append(fields(schema)); });
  return details;
};
const fields = (schema) => {
  const full = resolve(schema);
  if (full.enum) return text(full.description);
  const table = el("table");
  Object.entries(full.properties || {}).forEach(([name, field]) => table.append(row(name, field)));
  return table.children.length ? table : el("p", { className: "soft" }, "No fields.");
};
const sample = (schema, seen = []) => {
  const full = resolve(schema);
  if (full.enum) return full.enum[1] || full.enum[0];
  if (full.type === "array") return [sample(full.items, seen)];
  if (full.properties) {
    if (seen.includes(full.name) || seen.length > 3) return {};
    return Object.fromEntries(Object.entries(full.properties).map(([name, field]) => [name, sample(field, [...seen, full.name])]));
  }
  if (full.type === "string") return full.format === "date-time" ? "2026-03-02T09:00:00Z" : full.format ? "0" : "";
  return full.type === "boolean" ? false : full.type === "object" ? {} : 0;
};
const curl = (op) => {
  const lines = ["curl -X " + op.method.toUpperCase() + " '" + location.origin + op.path + "'"];
  if (op.security.length) lines.push("-H \"Authorization: Bearer $TOKEN\"");
  if ((op.parameters || []).some((p) => p.name === "Idempotency-Key")) lines.push("-H 'Idempotency-Key: '$(uuidgen)");
  if (op.requestBody) lines.push("-H 'Content-Type: application/json'", "-d '" + JSON.stringify(sample(op.requestBody.content["application/json"].schema), null, 2) + "'");
  return lines.join(" \\\n  ");
};
const section = (op) => {
  const node = el("section", { id: op.operationId });
  node.append(el("h3", {}, el("span", { className: "verb " + op.method }, op.method), el("span", { className: "path" }, op.path)));
  node.append(el("div", { className: "soft" }, op["x-rpc"], " · ", op["x-permission"] === "public" ? "public" : op["x-permission"] === "authenticated" ? "any signed-in caller" : "permission " + op["x-permission"]));
  node.append(text(op.description));
  if (op.parameters.length) {
    const table = el("table");
    op.parameters.forEach((p) => table.append(row(p.name, { ...p.schema, description: p.description }, p.in)));
    node.append(el("h4", {}, "Parameters"), table);
  }
  if (op.requestBody) node.append(el("h4", {}, "Body"), fields(op.requestBody.content["application/json"].schema));
  const [media, answer] = Object.entries(op.responses["200"].content)[0];
  node.append(el("h4", {}, "Answer, " + media), fields(answer.schema));
  const example = el("details", {}, el("summary", { className: "soft" }, "curl"));
  example.addEventListener("toggle", () => { if (example.open && example.children.length === 1) example.append(el("pre", {}, curl(op))); });
  node.append(example);
  return node;
};
const render = () => {
  const main = document.getElementById("main");
  const list = document.getElementById("list");
  main.replaceChildren(el("h1", {}, spec.info.title + " " + spec.info.version), text(spec.info.description));
  main.append(el("h4", {}, "A refusal"), fields({ $ref: "#/components/schemas/Problem" }));
  const operations = Object.entries(spec.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, op]) => ({ ...op, path, method })));
  spec.tags.forEach((tag) => {
    const own = operations.filter((op) => op.tags[0] === tag.name);
    const group = el("div", {}, el("h2", {}, tag.name));
    main.append(el("h2", { className: "tag" }, tag.name), text(tag.description));
    own.forEach((op) => {
      const entry = el("a", { className: "entry", href: "#" + op.operationId, title: op.method + " " + op.path }, el("span", { className: "verb " + op.method }, op.method), op.summary || op.path);
      entry.dataset.words = [op.path, op["x-rpc"], op["x-permission"], op.summary].join(" ").toLowerCase();
      group.append(entry);
      main.append(section(op));
    });
    list.append(group);
  });
  document.getElementById("filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/);
    list.querySelectorAll("div").forEach((group) => {
      let any = false;
      group.querySelectorAll(".entry").forEach((entry) => { entry.hidden = !words.every((word) => entry.dataset.words.includes(word)); any ||= !entry.hidden; });
      group.hidden = !any;
    });
  });
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
};
fetch("/openapi.json").then((answer) => answer.json()).then((json) => { spec = json; render(); })
  .catch((error) => document.getElementById("main").replaceChildren(el("p", {}, "The API description cannot be read: " + error)));
