/* What the theme and Sphinx leave out for those who do not see the page or use no mouse. */

for (const summary of document.querySelectorAll(".bd-docs-nav details > summary")) {
  const page = summary.closest("li").querySelector("a");
  summary.setAttribute("aria-label", `Pages below ${page.textContent.trim()}`);
}

/* Sphinx sets the parameters of a long signature as a list of definitions without terms. */
for (const part of document.querySelectorAll("dt.sig > dl, dt.sig > dl > dd")) {
  part.setAttribute("role", "none");
}

/* Roles of docutils that newer standards have withdrawn, on a list that also holds what is no item. */
for (const part of document.querySelectorAll(".citation-list, .citation-list > .citation")) {
  part.removeAttribute("role");
}

/* What scrolls sideways on a telephone can be reached and scrolled by keyboard. */
for (const picture of document.querySelectorAll(".cell_output figure > img")) {
  const box = document.createElement("div");
  box.className = "figure-scroll pst-scrollable-table-container";  // the theme makes these a tab stop where they scroll
  picture.replaceWith(box);
  box.append(picture);
}
