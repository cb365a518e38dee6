/* SPDX-License-Identifier: BSD-3-Clause */
/* What nodes printed, in step with the timeline. */
import { el } from "./dom.js";
import { exactTime, lowerBound, plain } from "./format.js";
import { List } from "./list.js";

export class Console {
    constructor(state, panel) {
        this.state = state;
        this.model = state.model;
        const nodes = this.model.participants.filter((p) => p.kind === "node");
        this.node = el("select", { "aria-label": "Node" }, el("option", { value: "" }, "all nodes"),
            ...nodes.map((p) => el("option", { value: p.id }, p.name)));
        this.search = el("input", { type: "search", placeholder: "Search the console", "aria-label": "Search the console", spellcheck: "false" });
        this.inRange = el("input", { type: "checkbox" });
        this.said = el("span", { role: "status", class: "hint" });
        const list = el("div", { id: "console-list" });
        panel.append(
            el("div", { class: "controls" }, this.node, this.search,
                el("label", { class: "chip" }, this.inRange, "only the range shown"), this.said),
            el("div", { class: "table console" }, list));
        this.list = new List(list, {
            rowHeight: 20, label: "Console",
            render: (element, index) => this.#render(element, index),
            select: (index) => {
                const { time } = this.lines[index];
                state.show(time);
                state.setTime(time);
            },
        });
        for (const input of [this.node, this.search, this.inRange]) input.addEventListener("input", () => this.update());
        state.on("range", () => this.inRange.checked && this.update());
        state.on("hidden", () => this.update());
        state.on("time", () => this.#follow());
        this.update();
    }

    update() {
        const { model, state } = this, wanted = this.search.value.toLowerCase();
        const only = this.node.value === "" ? null : Number(this.node.value);
        this.lines = model.console.filter((line) => {
            if (only !== null && line.node !== only) return false;
            if (state.hidden.has(model.nodeIndex.get(line.node))) return false;
            if (this.inRange.checked && (line.time < state.begin || line.time > state.end)) return false;
            line.text ??= plain(line.data);
            return !wanted || line.text.toLowerCase().includes(wanted);
        });
        this.times = Float64Array.from(this.lines, (line) => line.time);
        this.said.textContent = `${this.lines.length.toLocaleString("en-GB")} of ${model.console.length.toLocaleString("en-GB")} lines`;
        this.list.setCount(this.lines.length);
        this.#follow();
    }

    /* The last line that had been printed by then. */
    #follow() {
        const { time } = this.state;
        if (time === null) return;
        const index = lowerBound(this.times, time + 0.5) - 1;
        if (this.list.selected >= 0 && this.lines[this.list.selected]?.time === time) return;
        this.list.select(index, true);
    }

    #render(element, index) {
        const { model, state } = this, line = this.lines[index];
        if (!element.cells) {
            element.cells = ["when", "node", "text"].map((name) => el("span", { class: name }));
            element.append(...element.cells);
        }
        element.cells[0].textContent = exactTime(line.time);
        element.cells[1].textContent = model.nodeName(line.node);
        element.cells[2].textContent = line.text;
        element.classList.toggle("later", state.time !== null && line.time > state.time);
        element.dataset.series = ((model.nodeIndex.get(line.node) ?? 0) % 8) + 1;
    }
}
