"use strict";
// Two comforts; the page tells everything without them.
const marked = new Map();
for (const element of document.querySelectorAll("[data-a], [data-e]")) {
  for (const number of (element.dataset.a ?? element.dataset.e).split(" ")) {
    if (!marked.has(number)) marked.set(number, []);
    marked.get(number).push(element);
  }
}
const light = (event, on) => {
  const from = event.target instanceof Element ? event.target.closest("[data-a]") : null;
  if (from) for (const element of marked.get(from.dataset.a)) element.classList.toggle("lit", on);
};
document.addEventListener("mouseover", (event) => light(event, true));
document.addEventListener("mouseout", (event) => light(event, false));

const field = document.getElementById("filter");
if (field) {
  const rows = [...document.querySelectorAll("#why tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
  const left = document.getElementById("left");
  document.getElementById("filtering").hidden = false;
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    let count = 0;
    for (const [row, text] of rows) {
      row.hidden = !text.includes(wanted);
      if (!row.hidden) count += 1;
    }
    for (const part of document.querySelectorAll("#why details")) if (wanted) part.open = true;
    left.textContent = wanted ? ` ${count} of ${rows.length}` : "";
  });
}
