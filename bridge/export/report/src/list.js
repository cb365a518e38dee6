/* SPDX-License-Identifier: BSD-3-Clause */
/* A list of any length of which only what can be seen is made. */
import { oncePerFrame } from "./dom.js";

/* Browsers cut elements off beyond some ten million pixels. */
const HEIGHT_MAX = 8e6;

export class List {
    /**
     * @param root      an empty element, which becomes the scrolling one
     * @param options   {rowHeight, label, role ("grid" or "listbox"), render(element, index) fills a
     *                  row, select(index) is called when the user chooses one}
     */
    constructor(root, options) {
        this.root = root;
        this.options = options;
        this.count = 0;
        this.selected = -1;
        this.top = 0; /* of the first row, in rows; not always whole */
        this.rows = [];
        this.space = document.createElement("div");
        this.space.className = "space";
        this.space.setAttribute("role", "presentation");
        this.sheet = document.createElement("div");
        this.sheet.className = "sheet";
        this.sheet.setAttribute("role", "presentation");
        root.classList.add("list");
        root.tabIndex = 0;
        root.setAttribute("role", options.role ?? "listbox");
        root.setAttribute("aria-label", options.label);
        this.body = document.createElement("div");
        this.body.setAttribute("role", "presentation");
        this.sheet.append(this.body);
        root.append(this.sheet, this.space);
        this.refresh = oncePerFrame(() => this.#draw());
        root.addEventListener("scroll", () => this.#scrolled());
        root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
        root.addEventListener("keydown", (event) => this.#key(event));
        this.sheet.addEventListener("mousedown", (event) => this.#press(event));
        new ResizeObserver(() => this.#resize()).observe(root);
    }

    get #page() {
        return Math.max(1, Math.floor(this.root.clientHeight / this.options.rowHeight));
    }

    get #range() {
        return Math.max(0, this.count - this.root.clientHeight / this.options.rowHeight);
    }

    get #scrollRange() {
        return Math.max(1, this.space.offsetHeight - this.root.clientHeight);
    }

    get #isScaled() {
        return this.count * this.options.rowHeight > HEIGHT_MAX;
    }

    setCount(count) {
        this.count = count;
        this.root.setAttribute(this.options.role === "grid" ? "aria-rowcount" : "data-count", count);
        this.space.style.height = `${Math.min(HEIGHT_MAX, count * this.options.rowHeight)}px`;
        if (this.selected >= count) this.selected = -1;
        this.#moveTo(Math.min(this.top, this.#range));
    }

    #resize() {
        this.#moveTo(Math.min(this.top, this.#range));
    }

    #moveTo(top) {
        this.top = Math.max(0, Math.min(top, this.#range));
        const wanted = this.#isScaled ? (this.top / (this.#range || 1)) * this.#scrollRange
            : this.top * this.options.rowHeight;
        this.expected = Math.round(wanted);
        this.root.scrollTop = this.expected;
        this.refresh();
    }

    #scrolled() {
        const at = this.root.scrollTop;
        if (Math.abs(at - this.expected) > 1) {
            this.top = this.#isScaled ? (at / this.#scrollRange) * this.#range : at / this.options.rowHeight;
            this.expected = at;
        }
        this.refresh();
    }

    /* A pixel of a scaled scroll bar is many rows: the wheel goes by rows. */
    #wheel(event) {
        if (!this.#isScaled || event.ctrlKey || !event.deltaY) return;
        event.preventDefault();
        const rows = event.deltaMode === 1 ? event.deltaY : event.deltaY / this.options.rowHeight;
        this.#moveTo(this.top + rows);
    }

    #key(event) {
        if (event.altKey || event.ctrlKey || event.metaKey || !this.count) return;
        const steps = {
            ArrowDown: 1, ArrowUp: -1, PageDown: this.#page - 1 || 1, PageUp: -(this.#page - 1 || 1),
            Home: -this.count, End: this.count,
        };
        if (!(event.key in steps)) return;
        event.preventDefault();
        const from = this.selected < 0 ? Math.ceil(this.top) - (steps[event.key] > 0 ? 1 : 0) : this.selected;
        this.choose(Math.max(0, Math.min(this.count - 1, from + steps[event.key])));
    }

    #press(event) {
        const row = event.target.closest(".row");
        if (row && event.button === 0 && !event.target.closest("button, a")) this.choose(row.index);
    }

    choose(index) {
        this.select(index, true);
        this.options.select?.(index);
    }

    /** Mark a row, and show it if `reveal`. -1: none. */
    select(index, reveal) {
        this.selected = index;
        if (reveal && index >= 0) this.reveal(index);
        this.refresh();
    }

    reveal(index) {
        const visible = this.root.clientHeight / this.options.rowHeight;
        if (index < this.top + 0.5) this.#moveTo(index > this.top - 1 ? index : index - Math.floor(visible / 3));
        else if (index + 1 > this.top + visible)
            this.#moveTo(index < this.top + visible + 1 ? index + 1 - visible : index - Math.floor(visible / 3));
    }

    #draw() {
        const height = this.options.rowHeight, first = Math.floor(this.top);
        const shown = Math.min(this.count - first, Math.ceil(this.root.clientHeight / height) + 1);
        while (this.rows.length < shown) {
            const row = document.createElement("div");
            row.className = "row";
            row.setAttribute("role", this.options.role === "grid" ? "row" : "option");
            row.id = `${this.root.id}-row-${this.rows.length}`;
            this.rows.push(row);
            this.body.append(row);
        }
        /* The sheet is a window that stays where it is while the space behind it scrolls. */
        this.sheet.style.height = `${this.root.clientHeight}px`;
        this.sheet.style.marginBottom = `${-this.root.clientHeight}px`;
        this.body.style.transform = `translateY(${-(this.top - first) * height}px)`;
        this.root.removeAttribute("aria-activedescendant");
        this.rows.forEach((row, i) => {
            const index = first + i;
            row.hidden = i >= shown;
            if (row.hidden) return;
            row.index = index;
            row.setAttribute(this.options.role === "grid" ? "aria-rowindex" : "aria-posinset", index + 1);
            if (this.options.role !== "grid") row.setAttribute("aria-setsize", this.count);
            row.setAttribute("aria-selected", index === this.selected);
            row.classList.toggle("odd", index % 2 === 1);
            if (index === this.selected) this.root.setAttribute("aria-activedescendant", row.id);
            this.options.render(row, index);
        });
    }
}
