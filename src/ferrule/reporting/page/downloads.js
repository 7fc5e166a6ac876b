"use strict";
// One comfort: a click copies. Without this a click on a digest or command selects all of it.
const select = (element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
};
const copy = async (code) => {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    select(code); // pages without https, and browsers that forbid it
    return document.execCommand("copy");
  }
};
for (const button of document.querySelectorAll(".copied button")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = await copy(button.parentElement.querySelector("code"));
    button.textContent = copied ? "Copied" : "Selected";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}
