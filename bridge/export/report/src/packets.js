/* SPDX-License-Identifier: BSD-3-Clause */
/* The packet list, and one frame in full. */
import { el } from "./dom.js";
import { count, duration, exactTime, lowerBound } from "./format.js";
import { decode } from "./decode.js";
import { GONE, SIDE, TRANSMITTED, WHAT } from "./model.js";
import { List } from "./list.js";

const COLUMNS = ["No.", "Time", "Place", "What", "Source", "Destination", "Protocol", "Bytes", "Info"];

export class Packets {
    constructor(state, panel) {
        this.state = state;
        this.model = state.model;
        const list = el("div", { id: "packet-list" });
        this.detail = el("div", { id: "packet-detail", tabindex: 0, role: "region", "aria-label": "Selected frame" });
        panel.classList.add("split");
        panel.append(
            el("div", { class: "table packets" },
                el("div", { class: "row head", "aria-hidden": true }, ...COLUMNS.map((name) => el("span", {}, name))),
                list),
            this.detail);
        this.list = new List(list, {
            rowHeight: 22, role: "grid", label: "Frames",
            render: (element, position) => this.#render(element, position),
            select: (position) => state.selectRow(state.rowAt(position)),
        });
        state.on("rows", () => {
            this.list.setCount(state.rowCount);
            this.#follow();
        });
        state.on("row", () => {
            this.#follow();
            this.#describe();
        });
        state.on("time", () => {
            /* In step: what happened at the time that was chosen. */
            if (state.row < 0 || this.model.frames.time[state.row] !== state.time) this.#showTime();
        });
        this.list.setCount(state.rowCount);
        if (state.row < 0) this.#showTime();
        else this.#follow();
        this.#describe();
    }

    #showTime() {
        const { state, model } = this;
        if (state.time === null) return;
        const position = state.positionOf(lowerBound(model.frames.time, state.time));
        this.list.select(-1);
        if (state.rowCount) this.list.reveal(Math.min(position, state.rowCount - 1));
    }

    #follow() {
        const { state } = this, position = state.positionOf(state.row);
        const there = state.row >= 0 && position < state.rowCount && state.rowAt(position) === state.row;
        this.list.select(there ? position : -1, there);
    }

    #render(element, position) {
        const { model, state } = this, row = state.rowAt(position), { frames } = model;
        if (!element.cells) {
            element.cells = COLUMNS.map(() => el("span", { role: "gridcell" }));
            element.append(...element.cells);
        }
        const head = model.headOf(row), c = element.cells;
        if (head === undefined) model.heads.load(frames.head[row]).then(this.list.refresh);
        const d = head === undefined ? null : decode(head, frames.length[row]), what = frames.what[row];
        const gone = what === TRANSMITTED && model.fate[row] === GONE;
        const reason = model.reasonOf(row);
        const texts = [
            frames.packet[row] ? count(frames.packet[row]) : "", exactTime(frames.time[row]).slice(0, -2),
            model.placeLabel(frames.place[row]), gone ? "sent, lost" : WHAT[what],
            d ? model.hostOf(d.source) ?? d.source : "…", d ? model.hostOf(d.destination) ?? d.destination : "",
            d?.protocol ?? "", count(frames.length[row]), (reason ? `[${reason}] ` : "") + (d?.info ?? ""),
        ];
        texts.forEach((text, i) => {
            if (c[i].textContent !== text) c[i].textContent = text;
        });
        element.dataset.side = gone ? 2 : SIDE[what];
        element.dataset.protocol = d?.protocol.toLowerCase() ?? "";
    }

    async #describe() {
        const { state, model, detail } = this, row = state.row;
        detail.hidden = row < 0;
        if (row < 0) return;
        await model.heads.load(model.frames.head[row]);
        if (state.row !== row) return;
        const { frames } = model, data = model.headOf(row), d = decode(data ?? null, frames.length[row], true);
        const hexdump = el("pre", { class: "hex", "aria-label": "Bytes" });
        const tree = el("div", { class: "layers" });
        d.layers.forEach((layer, index) => {
            const summary = el("summary", {}, layer.name);
            const fields = el("dl");
            for (const [name, value, offset, length] of layer.fields) {
                const dt = el("dt", {}, name), dd = el("dd", {}, String(value));
                for (const part of [dt, dd]) {
                    part.addEventListener("pointerenter", () => this.#dump(hexdump, data, frames.length[row], offset, length));
                    part.addEventListener("pointerleave", () => this.#dump(hexdump, data, frames.length[row], 0, 0));
                }
                fields.append(dt, dd);
            }
            tree.append(el("details", { open: index > 0 || d.layers.length === 1 }, summary, fields));
        });
        const story = model.story(row), start = frames.time[story[0]];
        const steps = story.map((at) =>
            el("li", { class: at === row ? "current" : "" },
                el("button", { type: "button", onclick: () => state.selectRow(at) },
                    `${exactTime(frames.time[at])} ${model.placeLabel(frames.place[at])} ${WHAT[frames.what[at]]}`),
                at === story[0] ? "" : ` +${duration(frames.time[at] - start)}`,
                model.reasonOf(at) ? ` ${model.reasonOf(at)}` : ""));
        detail.replaceChildren(
            el("h3", {}, `${frames.packet[row] ? `Packet ${count(frames.packet[row])}` : "Frame"}, ${count(frames.length[row])} bytes`),
            el("p", { class: "info" }, `${d.protocol}: ${d.info}`),
            el("h4", {}, "Its way"), el("ol", { class: "story" }, ...steps),
            model.fate[story[0]] === GONE ? el("p", { class: "bad" }, "It never arrived.") : "",
            el("h4", {}, "Headers"), tree,
            el("h4", {}, data && data.length < frames.length[row] ? `The first ${data.length} bytes` : "Bytes"), hexdump);
        this.#dump(hexdump, data, frames.length[row], 0, 0);
    }

    #dump(element, data, length, from, marked) {
        element.replaceChildren();
        if (!data) {
            element.textContent = "The trace does not have them.";
            return;
        }
        for (let at = 0; at < data.length; at += 16) {
            const line = data.subarray(at, at + 16);
            element.append(at.toString(16).padStart(4, "0") + " ");
            line.forEach((byte, i) => {
                const text = (i === 8 ? "  " : " ") + byte.toString(16).padStart(2, "0");
                element.append(at + i >= from && at + i < from + marked ? el("mark", {}, text) : text);
            });
            const pad = (16 - line.length) * 3 + (line.length <= 8 ? 1 : 0);
            element.append(" ".repeat(pad) + "  " +
                Array.from(line, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("") + "\n");
        }
    }
}
