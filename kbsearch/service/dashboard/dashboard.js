/* What paper cannot do: values under the pointer, and tables in another order. The page is whole without it. */
"use strict";

for (const chart of document.querySelectorAll("[data-chart]")) {
  const plot = chart.querySelector(".plot");
  const cursor = chart.querySelector(".cursor");
  const tip = chart.querySelector(".tip");
  const table = chart.parentElement.querySelector(".numbers");
  const names = [...table.querySelectorAll("thead th")].slice(1).map((cell) => cell.textContent);
  const rows = [...table.querySelectorAll("tbody tr")];

  const show = (place) => {
    const cells = [...rows[place].children].map((cell) => cell.textContent);
    const share = (place + 0.5) / rows.length;
    cursor.setAttribute("d", `M${1000 * share} 0V300`);
    tip.replaceChildren();
    const day = document.createElement("b");
    day.textContent = cells[0];
    tip.append(day);
    names.forEach((name, number) => {
      const line = document.createElement("span");
      line.textContent = `${name} ${cells[number + 1]}`;
      tip.append(line);
    });
    cursor.removeAttribute("hidden");
    tip.hidden = false;
    const room = plot.clientWidth - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(room, share * plot.clientWidth + (share > 0.5 ? -tip.offsetWidth - 12 : 12)))}px`;
  };

  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const place = Math.floor(((event.clientX - box.left) / box.width) * rows.length);
    if (rows.length) show(Math.max(0, Math.min(rows.length - 1, place)));
  });
  const hide = () => {
    cursor.setAttribute("hidden", "");
    tip.hidden = true;
  };
  plot.addEventListener("pointerleave", hide);
  // It stands over the lines; who enlarges them cannot always move the pointer away.
  document.addEventListener("keydown", (key) => key.key === "Escape" && hide());
}

for (const table of document.querySelectorAll("[data-sortable]")) {
  const body = table.tBodies[0];
  const heads = [...table.querySelectorAll("thead th")];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.dataset.key === "number" && head.getAttribute("aria-sort") !== "descending";
      const up = head.dataset.key === "text" && head.getAttribute("aria-sort") === "ascending";
      const order = down || up ? -1 : 1;
      const value = (row) => row.children[column].dataset.sort ?? "";
      const compare = head.dataset.key === "number" ? (a, b) => value(a) - value(b) : (a, b) => value(a).localeCompare(value(b));
      body.append(...[...body.rows].sort((a, b) => order * compare(a, b)));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order > 0 ? "ascending" : "descending");
    });
  });
}
