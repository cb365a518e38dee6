/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames between chosen nodes, one a line, in the order in which they were sent; console lines and
 * events between them on demand. */
import { el, svg } from "./dom.js";
import { duration, exactTime, lowerBound, plain } from "./format.js";
import { decode } from "./decode.js";
import { ARRIVED, DELIVERED, GONE, SENT, TRANSMITTED } from "./model.js";
import { List } from "./list.js";

const CHOSEN_MAX = 12, LEFT = 130;

export class Sequence {
    constructor(state, panel) {
        this.state = state;
        this.model = state.model;
        this.items = [];
        const able = this.model.participants.filter((p) => p.kind !== "link" && (p.isSeen || p.kind === "node"));
        const busy = this.#busy();
        /* At first those that talk most, in the scenario's order. */
        this.chosen = new Set([...able].sort((a, b) => busy[b.index] - busy[a.index]).slice(0, Math.min(5, CHOSEN_MAX)).map((p) => p.index));
        this.boxes = able.slice(0, 400).map((p) => {
            const box = el("input", { type: "checkbox", value: p.index, checked: this.chosen.has(p.index) });
            box.addEventListener("change", () => this.#choose(p.index, box));
            return el("label", { class: "chip" }, box, p.name);
        });
        this.notes = el("input", { type: "checkbox", id: "sequence-notes" });
        this.notes.addEventListener("change", () => this.update());
        this.said = el("span", { role: "status", class: "hint" });
        this.head = el("div", { class: "lifelines" });
        const list = el("div", { id: "sequence-list" });
        panel.append(
            el("div", { class: "controls" },
                el("span", { role: "group", "aria-label": "Between these", class: "chips" }, ...this.boxes),
                el("label", { class: "chip" }, this.notes, "console and events"), this.said),
            el("div", { class: "table sequence" }, this.head, list));
        this.root = list;
        this.list = new List(list, {
            rowHeight: 26, label: "Sequence diagram",
            render: (element, index) => this.#render(element, index),
            select: (index) => {
                const item = this.items[index];
                if (item.row !== undefined) state.selectRow(item.row);
                else state.setTime(item.time);
            },
        });
        for (const name of ["range", "rows"]) state.on(name, () => this.update());
        state.on("row", () => this.#follow());
        new ResizeObserver(() => this.#lifelines()).observe(list);
        panel.addEventListener("shown", () => this.update());
        this.panel = panel;
    }

    #busy() {
        const busy = new Float64Array(this.model.participants.length), { place } = this.model.frames;
        for (let row = 0; row < this.model.rows; row++)
            if (place[row] >= 0) busy[this.model.placeOwner[place[row]]]++;
        return busy;
    }

    #choose(index, box) {
        if (box.checked && this.chosen.size >= CHOSEN_MAX) {
            box.checked = false;
            this.said.textContent = `At most ${CHOSEN_MAX} at a time.`;
            return;
        }
        if (box.checked) this.chosen.add(index);
        else this.chosen.delete(index);
        this.update();
    }

    /* Frames that one of the chosen sent and another one got or that were lost. */
    update() {
        if (this.panel.hidden) return;
        const { model, state } = this, { what, time } = model.frames;
        const [from, to] = model.rowsBetween(state.begin, state.end + 1);
        const rows = [], { chosen } = this;
        for (let row = from; row < to; row++) {
            if (state.mask && !state.mask[row]) continue;
            if (model.origin[row] !== row || (what[row] !== TRANSMITTED && what[row] !== SENT) || !chosen.has(model.ownerOf(row))) continue;
            if (model.fate[row] === ARRIVED && !this.#receivers(row).length) continue;
            rows.push({ row, time: time[row] });
        }
        const sent = rows.length;
        if (this.notes.checked) this.#addNotes(rows);
        this.items = rows;
        this.said.textContent = `${sent.toLocaleString("en-GB")} frames sent in the range shown`;
        this.#lifelines();
        this.list.setCount(rows.length);
        this.#follow();
    }

    #addNotes(items) {
        const { model, state } = this;
        const from = lowerBound(model.consoleTimes, state.begin), to = lowerBound(model.consoleTimes, state.end + 1);
        for (let i = from; i < to; i++) {
            const line = model.console[i], index = model.nodeIndex.get(line.node);
            if (this.chosen.has(index)) items.push({ time: line.time, at: index, text: plain(line.data), kind: "log" });
        }
        for (const event of model.events)
            if (event.time >= state.begin && event.time <= state.end)
                items.push({ time: event.time, text: model.eventText(event), kind: "event" });
        items.sort((a, b) => a.time - b.time);
    }

    #receivers(row) {
        const { model } = this, result = [];
        for (let at = model.next[row]; at >= 0; at = model.next[at])
            if (model.frames.what[at] === DELIVERED && this.chosen.has(model.ownerOf(at)) && model.ownerOf(at) !== model.ownerOf(row)) result.push(at);
        return result;
    }

    /* The text gets what the lifelines do not need. */
    get #right() {
        const wide = this.root.clientWidth;
        return Math.max(wide * 0.28, Math.min(wide * 0.5, wide - LEFT - 230 * this.chosen.size));
    }

    #x(index) {
        const order = [...this.chosen].sort((a, b) => a - b), place = order.indexOf(index);
        const room = this.root.clientWidth - LEFT - this.#right;
        return LEFT + (order.length === 1 ? room / 2 : 60 + ((room - 120) * place) / (order.length - 1));
    }

    #lifelines() {
        const order = [...this.chosen].sort((a, b) => a - b);
        this.textWidth = this.#right - 10;
        this.positions = new Map(order.map((index) => [index, this.#x(index)]));
        const names = order.map((index) => {
            const name = el("span", {}, this.model.participants[index].name);
            name.style.left = `${this.positions.get(index)}px`;
            return name;
        });
        this.head.replaceChildren(...names);
        this.list.refresh();
    }

    #follow() {
        const first = this.state.row < 0 ? -1 : this.model.origin[this.state.row];
        const index = this.items.findIndex((item) => item.row === first);
        this.list.select(first < 0 ? -1 : index, index >= 0);
    }

    #render(element, index) {
        const item = this.items[index];
        const picture = svg("svg", { height: 26, width: this.root.clientWidth, "aria-hidden": "true" });
        for (const x of this.positions.values()) picture.append(svg("line", { x1: x, x2: x, y1: 0, y2: 26, class: "life" }));
        const before = index ? this.items[index - 1].time : null;
        const gap = before === null ? "" : `+${duration(item.time - before)}`;
        const time = el("span", { class: "when" }, exactTime(item.time));
        const text = item.row === undefined ? this.#note(item, picture) : this.#arrow(item.row, picture);
        element.className = `row ${item.kind ?? ""}`;
        const said = el("span", { class: "text" }, text);
        said.style.width = `${this.textWidth}px`;
        element.replaceChildren(picture, time, said, el("span", { class: "sr" }, gap));
        element.title = `${exactTime(item.time)} ${gap}\n${text}`;
    }

    #note(item, picture) {
        if (item.at !== undefined) picture.append(svg("circle", { cx: this.positions.get(item.at), cy: 13, r: 4, class: "note" }));
        else picture.append(svg("line", { x1: LEFT, x2: this.root.clientWidth - this.#right, y1: 13, y2: 13, class: "event" }));
        return item.at !== undefined ? `${this.model.participants[item.at].name}: ${item.text}` : item.text;
    }

    #arrow(row, picture) {
        const { model } = this, from = this.positions.get(model.ownerOf(row)), receivers = this.#receivers(row);
        const head = model.headOf(row);
        if (head === undefined) model.heads.load(model.frames.head[row]).then(this.list.refresh);
        const d = head === undefined ? null : decode(head, model.frames.length[row]);
        const gone = model.fate[row] === GONE;
        for (const at of receivers) {
            const to = this.positions.get(model.ownerOf(at)), side = Math.sign(to - from);
            picture.append(
                svg("line", { x1: from, y1: 8, x2: to - side * 5, y2: 18, class: "arrow" }),
                svg("path", { d: `M ${to} 18.5 l ${-side * 8} -5 l ${side * 1} 8 z`, class: "tip" }));
        }
        if (!receivers.length) {
            /* Towards where it would have gone, if that is known, else to the next one. */
            const others = [...this.positions.values()].filter((x) => x !== from);
            const near = others.sort((a, b) => Math.abs(a - from) - Math.abs(b - from))[0] ?? from + 90;
            const to = from + (near - from) * 0.55;
            picture.append(svg("line", { x1: from, y1: 8, x2: to, y2: 13, class: gone ? "arrow gone" : "arrow" }));
            if (gone) picture.append(svg("path", { d: `M ${to - 4} 9 l 8 8 m 0 -8 l -8 8`, class: "cross" }));
        }
        picture.append(svg("circle", { cx: from, cy: 8, r: 2.5, class: "start" }));
        const late = receivers.length ? duration(model.frames.time[receivers[0]] - model.frames.time[row]) : gone ? "lost" : "not seen again";
        return `${late} · ${d ? `${d.protocol} ${d.info}` : "…"}`;
    }
}
