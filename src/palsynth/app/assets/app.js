// The nerve's branches: sliders on a drawing. The state is JSON in a hidden box of Gradio.
"use strict";

function box() {
  return document.querySelector("#palsy-values textarea, #palsy-values input");
}

function level(percent) {
  return percent === 0 ? "none" : percent === 100 ? "full" : "weak";
}

function setPart(part, percent) {
  const value = Math.max(0, Math.min(100, percent));
  part.setAttribute("aria-valuenow", value);
  part.setAttribute("aria-valuetext", `${value} per cent`);
  part.dataset.level = level(value);
  part.querySelector(".value").textContent = `${value} %`;
  const state = JSON.parse(box().value);
  const side = state[part.dataset.side];
  if (part.dataset.part === "tone") side.tone = value / 100;
  else side.function[part.dataset.part] = value / 100;
  box().value = JSON.stringify(state);
  box().dispatchEvent(new Event("input", { bubbles: true }));
}

function valueOf(part) {
  return Number(part.getAttribute("aria-valuenow"));
}

document.addEventListener("click", (event) => {
  const part = event.target.closest(".nerve .part");
  if (!part) return;
  const value = valueOf(part);
  setPart(part, value === 0 ? 100 : Math.ceil(value / 25 - 1) * 25);
  part.focus();
});

document.addEventListener("keydown", (event) => {
  const part = event.target.closest(".nerve .part");
  if (!part) return;
  const value = valueOf(part);
  const moves = {
    ArrowUp: value + 5,
    ArrowRight: value + 5,
    ArrowDown: value - 5,
    ArrowLeft: value - 5,
    PageUp: value + 25,
    PageDown: value - 25,
    Home: 0,
    End: 100,
  };
  if (!(event.key in moves)) return;
  event.preventDefault();
  setPart(part, moves[event.key]);
});

// The line between two pictures.
document.addEventListener("input", (event) => {
  const compare = event.target.closest?.(".compare");
  if (compare) compare.style.setProperty("--at", `${event.target.value}%`);
});

// Gradio names its places to drop files by other words than those they show (WCAG 2.5.3).
new MutationObserver(() => {
  document
    .querySelectorAll(".upload-container[aria-label]")
    .forEach((place) => place.removeAttribute("aria-label"));
}).observe(document.documentElement, { childList: true, subtree: true });
