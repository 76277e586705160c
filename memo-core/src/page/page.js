// Sorts the table by the column whose heading is chosen: names upwards first, numbers downwards first.
const body = document.querySelector("main > table tbody");
const headings = [...document.querySelectorAll("main > table thead th")];
const rank = (row, at) => at ? Number(row.children[at].dataset.rank) : row.children[0].textContent;
headings.forEach((heading, at) => heading.querySelector("button").addEventListener("click", () => {
  const was = heading.getAttribute("aria-sort");
  const up = was === "none" ? at === 0 : was === "descending";
  headings.forEach((other) => other.setAttribute("aria-sort", "none"));
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  const order = (a, b) => a < b ? -1 : a > b ? 1 : 0;
  const rows = [...body.children].sort((a, b) => (up ? 1 : -1) * order(rank(a, at), rank(b, at)));
  body.append(...rows);
}));
