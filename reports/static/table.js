// A table that sorts itself by the heading that is pressed; by keyboard too, since headings are buttons.
"use strict";
codecbench.Table = class {
  /**
   * @param {HTMLTableElement} table
   * @param {{key: string, text: string, numeric?: boolean, first?: "ascending"|"descending"}[]} columns
   * @param {(row: object, column: object) => HTMLElement|string} cell makes what a cell shows
   * @param {(row: object, key: string) => number|string|null} value what a row is sorted by
   */
  constructor(table, columns, cell, value) {
    Object.assign(this, { table, cell, value, rows: [], key: null, order: "ascending" });
    this.setColumns(columns);
  }

  setColumns(columns) {
    this.columns = columns;
    const heads = columns.map((column) => {
      const button = codecbench.element("button", { type: "button" }, column.text);
      button.addEventListener("click", () => this.press(column));
      return codecbench.element("th", { scope: "col", class: column.numeric ? "number" : null, "data-key": column.key }, button);
    });
    this.table.tHead.replaceChildren(codecbench.element("tr", {}, ...heads));
  }

  press(column) {
    const first = column.first || (column.numeric ? "descending" : "ascending");
    const other = first === "ascending" ? "descending" : "ascending";
    this.sort(column.key, this.key === column.key && this.order === first ? other : first);
  }

  sort(key, order) {
    this.key = key;
    this.order = order;
    this.show(this.rows);
  }

  /** Show rows in the present order; what has no value stays at the end. */
  show(rows) {
    this.rows = rows;
    const keyed = rows.map((row, place) => [this.key === null ? place : this.value(row, this.key), row, place]);
    const sign = this.order === "ascending" ? 1 : -1;
    const missing = (value) => value === null || value === undefined || value === "";
    keyed.sort(([a, , first], [b, , second]) => {
      if (missing(a) || missing(b)) return missing(a) - missing(b) || first - second;
      const apart = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
      return sign * apart || first - second;
    });
    const body = document.createDocumentFragment();
    for (const [, row] of keyed) {
      body.append(codecbench.element("tr", {}, ...this.columns.map((column, place) => {
        const made = codecbench.element(place === 0 ? "th" : "td", { scope: place === 0 ? "row" : null, class: column.numeric ? "number" : null });
        const content = this.cell(row, column);
        made.append(...(Array.isArray(content) ? content : [content]));
        return made;
      })));
    }
    this.table.tBodies[0].replaceChildren(body);
    for (const head of this.table.tHead.rows[0].cells) {
      if (head.dataset.key === this.key) head.setAttribute("aria-sort", this.order);
      else head.removeAttribute("aria-sort");
    }
  }
};
