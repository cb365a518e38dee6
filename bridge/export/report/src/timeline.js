/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes and frames over time. Whatever falls on one pixel is one bar, so it takes as long with a
 * million frames as the rows need to be counted; single frames fly from lane to lane once there are
 * few enough of them. */
import { $, canvasOf, oncePerFrame, palette } from "./dom.js";
import { duration, exactTime, lowerBound, plain, shortTime } from "./format.js";
import { decode } from "./decode.js";
import { ARRIVED, BAD, DELIVERED, GONE, IN, OUT, SIDE, TRANSMITTED, WHAT } from "./model.js";

const GUTTER = 132, AXIS = 42, FLIGHTS_MAX = 2500;

function ticks(begin, end, width) {
    const rough = (end - begin) / Math.max(1, width / 110);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    const result = [];
    for (let k = Math.ceil(begin / step); k * step <= end; k++) result.push(k * step);
    return { step, result };
}

export class Timeline {
    constructor(state) {
        this.state = state;
        this.model = state.model;
        this.canvas = $("timeline");
        this.minimap = $("minimap");
        this.box = $("lanes");
        this.tooltip = $("tooltip");
        this.lanes = this.model.participants.filter((p) => p.isSeen || p.kind === "node");
        this.laneOf = new Int32Array(this.model.participants.length).fill(-1);
        this.lanes.forEach((p, lane) => (this.laneOf[p.index] = lane));
        this.draw = oncePerFrame(() => this.#draw());
        this.drawMap = oncePerFrame(() => this.#drawMap());
        for (const name of ["range", "time", "row", "rows", "hidden"]) state.on(name, this.draw);
        for (const name of ["range", "rows"]) state.on(name, this.drawMap);
        state.on("row", () => this.#revealLane());
        this.box.addEventListener("scroll", this.draw);
        new ResizeObserver(() => this.resize()).observe(this.box);
        this.#mouse();
        this.#mapMouse();
        this.canvas.addEventListener("keydown", (event) => this.#key(event));
        this.recolour();
    }

    recolour() {
        this.colours = palette();
        this.map = null;
        this.draw();
        this.drawMap();
    }

    resize() {
        const height = this.box.clientHeight - AXIS;
        this.laneHeight = Math.max(26, Math.min(96, Math.floor(height / Math.max(1, this.lanes.length))));
        $("lanes-space").style.height = `${AXIS + this.laneHeight * this.lanes.length}px`;
        this.map = null;
        this.draw();
        this.drawMap();
    }

    get #width() {
        return this.canvas.clientWidth - GUTTER;
    }

    x(time) {
        return GUTTER + ((time - this.state.begin) / this.state.span) * this.#width;
    }

    timeAt(x) {
        return this.state.begin + ((x - GUTTER) / this.#width) * this.state.span;
    }

    /* Top of a lane on the canvas. */
    #y(lane) {
        return AXIS + lane * this.laneHeight - this.box.scrollTop;
    }

    #middle(lane) {
        return this.#y(lane) + this.laneHeight / 2;
    }

    #revealLane() {
        const lane = this.state.row < 0 ? -1 : this.laneOf[this.model.ownerOf(this.state.row)] ?? -1;
        if (lane < 0) return;
        const top = lane * this.laneHeight, room = this.box.clientHeight - AXIS;
        if (top < this.box.scrollTop) this.box.scrollTop = top;
        else if (top + this.laneHeight > this.box.scrollTop + room) this.box.scrollTop = top + this.laneHeight - room;
    }

    /* ---------------------------------------------------------------------------------- drawing */

    /* How many frames fall on each pixel of each lane, by side: of visible lanes. */
    #count(width) {
        const { model, state } = this, { time, what, place } = model.frames;
        const bins = new Uint32Array(this.lanes.length * 3 * width);
        const [from, to] = model.rowsBetween(state.begin, state.end + 1);
        const scale = width / state.span, mask = state.mask, begin = state.begin;
        const { placeOwner, fate } = model, { laneOf } = this;
        let sent = 0;
        for (let row = from; row < to; row++) {
            if (mask !== null && mask[row] === 0) continue;
            if (place[row] < 0) continue;
            const x = Math.min(width - 1, ((time[row] - begin) * scale) | 0);
            const lane = laneOf[placeOwner[place[row]]];
            let side = SIDE[what[row]];
            if (what[row] === TRANSMITTED) {
                sent++;
                if (fate[row] === GONE) side = BAD;
            }
            bins[(lane * 3 + side) * width + x]++;
        }
        return { bins, from, to, sent };
    }

    #draw() {
        const { context: c, width, height } = canvasOf(this.canvas);
        if (width <= GUTTER) return;
        const { state, colours } = this;
        const pixels = Math.max(1, Math.floor(this.#width));
        const counted = this.#count(pixels);
        c.font = `12px ${getComputedStyle(document.body).fontFamily}`;
        c.textBaseline = "middle";
        c.save();
        c.beginPath();
        c.rect(0, AXIS, width, height - AXIS);
        c.clip();
        this.#drawLanes(c, width, height);
        this.#drawGrants(c, pixels);
        this.#drawBars(c, counted.bins, pixels);
        if (counted.sent <= FLIGHTS_MAX) this.#drawFlights(c, counted);
        this.#drawConsole(c);
        this.#drawNames(c, height);
        c.restore();
        this.#drawEvents(c, height);
        this.#drawAxis(c, width);
        this.#drawMarks(c, height, colours, state);
    }

    #drawLanes(c, width, height) {
        const { colours, model } = this;
        this.lanes.forEach((participant, lane) => {
            const y = this.#y(lane);
            if (y > height || y + this.laneHeight < AXIS) return;
            if (lane % 2) {
                c.fillStyle = colours.lane;
                c.fillRect(0, y, width, this.laneHeight);
            }
            c.fillStyle = colours.line;
            c.fillRect(GUTTER, Math.round(this.#middle(lane)), width - GUTTER, 1);
            /* When it was not up. */
            if (participant.kind !== "node") return;
            let from = model.begin;
            c.globalAlpha = 0.5;
            for (const span of [...model.upSpans[participant.index], { begin: model.end, end: undefined }]) {
                const a = Math.max(GUTTER, this.x(from)), b = this.x(span.begin);
                if (b > a + 0.5) {
                    c.fillStyle = colours.line;
                    for (let x = a; x < b; x += 6) c.fillRect(x, y + 3, Math.min(2, b - x), this.laneHeight - 6);
                }
                from = span.end ?? model.end;
            }
            c.globalAlpha = 1;
        });
    }

    #drawGrants(c, pixels) {
        const { grants } = this.model, { begin, end, span } = this.state;
        const from = lowerBound(grants.time, begin), to = lowerBound(grants.time, end + 1);
        const scale = pixels / span, seen = new Map();
        c.fillStyle = this.colours.run;
        for (let i = from; i < to; i++) {
            const lane = this.laneOf[this.model.nodeIndex.get(grants.node[i]) ?? -1];
            if (lane === undefined || lane < 0) continue;
            const x = ((grants.time[i] - begin) * scale) | 0;
            if (seen.get(lane) === x) continue;
            seen.set(lane, x);
            c.fillRect(GUTTER + x, this.#y(lane) + this.laneHeight - 4, 1, 3);
        }
    }

    #drawBars(c, bins, pixels) {
        const { colours } = this, half = this.laneHeight / 2 - 4;
        let most = 1;
        for (let i = 0; i < bins.length; i++) if (bins[i] > most) most = bins[i];
        const heights = (n) => Math.max(3, half * (most < 4 ? 0.8 : 0.3 + 0.7 * (Math.log2(1 + n) / Math.log2(1 + most))));
        const wide = pixels / Math.max(1, this.state.span) > 1e-4 ? 2 : 1;
        this.lanes.forEach((participant, lane) => {
            const middle = Math.round(this.#middle(lane));
            if (middle < AXIS - this.laneHeight || middle > this.canvas.clientHeight + this.laneHeight) return;
            c.globalAlpha = this.state.hidden.has(participant.index) ? 0.15 : 1;
            for (const side of [OUT, IN, BAD]) {
                c.fillStyle = side === OUT ? colours.out : side === IN ? colours.in : colours.bad;
                const base = (lane * 3 + side) * pixels;
                for (let x = 0; x < pixels; x++) {
                    const n = bins[base + x];
                    if (!n) continue;
                    const h = heights(n);
                    if (side === IN) c.fillRect(GUTTER + x, middle + 1, wide, h);
                    else if (side === OUT) c.fillRect(GUTTER + x, middle - h, wide, h);
                    else c.fillRect(GUTTER + x, middle - Math.max(4, h * 0.7), wide + 0.5, Math.max(4, h * 0.7));
                }
            }
            c.globalAlpha = 1;
        });
    }

    /* Frames on their way. Those that were sent before the range begins arrive in it. */
    #drawFlights(c, { from, to }) {
        const { model, state, colours } = this, { time, what } = model.frames;
        const line = (a, b, colour) => {
            const one = this.laneOf[model.ownerOf(a)], two = this.laneOf[model.ownerOf(b)];
            if (one < 0 || two < 0 || one === two) return;
            c.strokeStyle = colour;
            c.beginPath();
            c.moveTo(this.x(time[a]), this.#middle(one));
            c.lineTo(this.x(time[b]), this.#middle(two));
            c.stroke();
        };
        c.save();
        c.beginPath();
        c.rect(GUTTER, AXIS, this.#width, this.canvas.clientHeight);
        c.clip();
        c.lineWidth = 1;
        c.globalAlpha = Math.max(0.25, Math.min(0.9, 400 / (to - from + 1)));
        for (let row = from; row < to; row++) {
            if (state.mask && !state.mask[row]) continue;
            const first = model.origin[row];
            if (first !== row && what[row] === DELIVERED) line(first, row, colours.out);
            if (what[row] === TRANSMITTED && model.fate[row] === ARRIVED) {
                for (let at = model.next[row]; at >= 0; at = model.next[at])
                    if (at >= to && what[at] === DELIVERED) line(row, at, colours.out);
            } else if (what[row] === TRANSMITTED && model.fate[row] === GONE) {
                const x = this.x(time[row]), y = this.#middle(this.laneOf[model.ownerOf(row)]);
                c.strokeStyle = colours.bad;
                c.beginPath();
                c.moveTo(x - 3, y - 3);
                c.lineTo(x + 3, y + 3);
                c.moveTo(x + 3, y - 3);
                c.lineTo(x - 3, y + 3);
                c.stroke();
            }
        }
        c.restore();
    }

    #drawConsole(c) {
        const { model, state } = this;
        const from = lowerBound(model.consoleTimes, state.begin), to = lowerBound(model.consoleTimes, state.end + 1);
        const seen = new Map();
        c.fillStyle = this.colours.log;
        for (let i = from; i < to; i++) {
            const lane = this.laneOf[model.nodeIndex.get(model.console[i].node) ?? -1];
            if (lane === undefined || lane < 0) continue;
            const x = Math.round(this.x(model.console[i].time));
            if (seen.get(lane) === x) continue;
            seen.set(lane, x);
            const y = this.#y(lane) + 1;
            c.beginPath();
            c.moveTo(x - 3.5, y);
            c.lineTo(x + 3.5, y);
            c.lineTo(x, y + 6);
            c.fill();
        }
    }

    #drawNames(c, height) {
        const { colours, state } = this;
        c.fillStyle = colours.panel;
        c.fillRect(0, AXIS, GUTTER - 4, height);
        c.fillStyle = colours.line;
        c.fillRect(GUTTER - 4, AXIS, 1, height);
        this.lanes.forEach((participant, lane) => {
            const y = this.#middle(lane);
            if (y < AXIS - this.laneHeight || y > height + this.laneHeight) return;
            if (lane % 2) {
                c.fillStyle = colours.lane;
                c.fillRect(0, this.#y(lane), GUTTER - 4, this.laneHeight);
            }
            const off = state.hidden.has(participant.index);
            c.fillStyle = off ? colours.dim : colours.text;
            c.font = `${participant.kind === "node" ? "600 " : ""}12px ${getComputedStyle(document.body).fontFamily}`;
            let name = participant.name;
            while (name.length > 1 && c.measureText(name).width > GUTTER - 22) name = name.slice(0, -1);
            if (name !== participant.name) name = name.slice(0, -1) + "…";
            c.fillText(name, 10, y);
            if (off) c.fillRect(10, y, Math.min(c.measureText(name).width, GUTTER - 22), 1);
        });
        c.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    }

    #drawEvents(c, height) {
        const { model, colours } = this;
        const free = [-Infinity, -Infinity]; /* where each of two lines of text is free from */
        c.font = `11px ${getComputedStyle(document.body).fontFamily}`;
        for (const event of model.events) {
            const x = Math.round(this.x(event.time)) + 0.5;
            if (x < GUTTER - 1 || x > this.canvas.clientWidth + 1) continue;
            c.strokeStyle = colours.event;
            c.globalAlpha = 0.75;
            c.setLineDash([3, 3]);
            c.beginPath();
            c.moveTo(x, AXIS - 2);
            c.lineTo(x, height);
            c.stroke();
            c.setLineDash([]);
            c.globalAlpha = 1;
            const text = model.eventText(event).slice(0, 40), wide = c.measureText(text).width;
            /* Beside its line, or at the end of the picture on its left. */
            const left = x + 3 + wide < this.canvas.clientWidth ? x + 3 : x - 3 - wide;
            const line = free.findIndex((from) => left > from);
            if (line < 0 || left < GUTTER) continue;
            c.fillStyle = colours.event;
            c.fillText(text, left, AXIS - 19 + 12 * line);
            free[line] = left + wide + 8;
        }
        c.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    }

    #drawAxis(c, width) {
        const { colours, state } = this, { step, result } = ticks(state.begin, state.end, this.#width);
        c.fillStyle = colours.line;
        c.fillRect(GUTTER, AXIS, width - GUTTER, 1);
        for (const time of result) {
            const x = Math.round(this.x(time));
            c.fillStyle = colours.line;
            c.fillRect(x, 0, 1, 8);
            c.globalAlpha = 0.5;
            c.fillRect(x, AXIS, 1, this.canvas.clientHeight);
            c.globalAlpha = 1;
            c.fillStyle = colours.dim;
            const text = shortTime(time, step);
            if (x + 4 + c.measureText(text).width < width) c.fillText(text, x + 4, 7);
        }
    }

    #drawMarks(c, height, colours, state) {
        if (state.time !== null) {
            const x = Math.round(this.x(state.time));
            if (x >= GUTTER) {
                c.fillStyle = colours.accent;
                c.fillRect(x, 0, 1.5, height);
            }
        }
        if (state.row >= 0) {
            const { model } = this, story = model.story(state.row);
            c.save();
            c.beginPath();
            c.rect(GUTTER, AXIS, this.#width, height);
            c.clip();
            c.strokeStyle = c.fillStyle = colours.accent;
            c.lineWidth = 2;
            for (const row of story) {
                const lane = this.laneOf[model.ownerOf(row)];
                if (lane === undefined || lane < 0) continue;
                const x = this.x(model.frames.time[row]), y = this.#middle(lane);
                if (row !== story[0]) {
                    const first = this.laneOf[model.ownerOf(story[0])];
                    c.beginPath();
                    c.moveTo(this.x(model.frames.time[story[0]]), this.#middle(first));
                    c.lineTo(x, y);
                    c.stroke();
                }
                c.beginPath();
                c.arc(x, y, row === state.row ? 5 : 3, 0, 7);
                c.fill();
            }
            c.restore();
        }
        if (this.mark) {
            const [a, b] = [this.mark.from, this.mark.to].sort((p, q) => p - q);
            c.fillStyle = colours.accent;
            c.globalAlpha = 0.2;
            c.fillRect(a, AXIS, b - a, height);
            c.globalAlpha = 1;
        }
    }

    /* ------------------------------------------------------------------------------- the overview */

    #mapBins(width) {
        const { model, state } = this, { time, what } = model.frames;
        const all = new Uint32Array(width), bad = new Uint32Array(width);
        const scale = width / (model.end - model.begin);
        for (let row = 0; row < model.rows; row++) {
            if (state.mask && !state.mask[row]) continue;
            const x = Math.min(width - 1, ((time[row] - model.begin) * scale) | 0);
            all[x]++;
            if (SIDE[what[row]] === BAD || (what[row] === TRANSMITTED && model.fate[row] === GONE)) bad[x]++;
        }
        return { all, bad, most: all.reduce((a, b) => Math.max(a, b), 1), width, mask: state.mask };
    }

    #drawMap() {
        const { context: c, width, height } = canvasOf(this.minimap);
        const { model, state, colours } = this, pixels = Math.floor(width - GUTTER);
        if (pixels < 10) return;
        if (!this.map || this.map.width !== pixels || this.map.mask !== state.mask) this.map = this.#mapBins(pixels);
        const { all, bad, most } = this.map, top = Math.log2(1 + most);
        c.fillStyle = colours.dim;
        c.textBaseline = "middle";
        c.font = `11px ${getComputedStyle(document.body).fontFamily}`;
        c.fillText("whole run", 10, height / 2);
        for (let x = 0; x < pixels; x++) {
            if (!all[x]) continue;
            const h = Math.max(2, (height - 6) * (Math.log2(1 + all[x]) / top));
            c.fillStyle = colours.out;
            c.globalAlpha = 0.65;
            c.fillRect(GUTTER + x, height - h, 1, h);
            c.globalAlpha = 1;
            if (bad[x]) {
                c.fillStyle = colours.bad;
                c.fillRect(GUTTER + x, 0, 1, 4);
            }
        }
        const scale = pixels / (model.end - model.begin);
        const a = GUTTER + (state.begin - model.begin) * scale, b = GUTTER + (state.end - model.begin) * scale;
        c.fillStyle = colours.page;
        c.globalAlpha = 0.6;
        c.fillRect(GUTTER, 0, a - GUTTER, height);
        c.fillRect(b, 0, width - b, height);
        c.globalAlpha = 1;
        c.strokeStyle = colours.accent;
        c.lineWidth = 1.5;
        c.strokeRect(a + 0.75, 0.75, Math.max(2, b - a - 1.5), height - 1.5);
    }

    #mapMouse() {
        const { state, model, minimap } = this;
        const timeAt = (x) => model.begin + ((x - GUTTER) / (minimap.clientWidth - GUTTER)) * (model.end - model.begin);
        minimap.addEventListener("pointerdown", (event) => {
            minimap.setPointerCapture(event.pointerId);
            const start = timeAt(event.offsetX);
            const grip = state.span < (model.end - model.begin) * 0.999 && start >= state.begin && start <= state.end
                ? start - state.begin : state.span / 2;
            const whole = state.span >= (model.end - model.begin) * 0.999;
            const move = (e) => {
                const time = timeAt(e.offsetX);
                if (whole) {
                    if (Math.abs(e.offsetX - event.offsetX) > 3) state.setRange(Math.min(start, time), Math.max(start, time));
                } else {
                    state.setRange(time - grip, time - grip + state.span);
                }
            };
            const up = () => {
                minimap.removeEventListener("pointermove", move);
                minimap.removeEventListener("pointerup", up);
            };
            move(event);
            minimap.addEventListener("pointermove", move);
            minimap.addEventListener("pointerup", up);
        });
    }

    /* -------------------------------------------------------------------------------------- input */

    #mouse() {
        const { canvas, state } = this;
        canvas.addEventListener("wheel", (event) => {
            if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
                event.preventDefault();
                state.pan((event.deltaX || event.deltaY) / this.#width);
            } else if (event.offsetX > GUTTER) {
                event.preventDefault();
                state.zoom(Math.exp(Math.max(-300, Math.min(300, event.deltaY)) * 0.002), this.timeAt(event.offsetX));
            }
        }, { passive: false });
        canvas.addEventListener("pointerdown", (event) => {
            if (event.button !== 0) return;
            if (event.offsetX < GUTTER) {
                const lane = this.#laneAt(event.offsetY);
                if (this.lanes[lane]) state.toggle(this.lanes[lane].index);
                return;
            }
            canvas.setPointerCapture(event.pointerId);
            const start = event.offsetX, begin = state.begin;
            let moved = false;
            const move = (e) => {
                moved ||= Math.abs(e.offsetX - start) > 3;
                if (!moved) return;
                this.tooltip.hidden = true;
                if (event.shiftKey) {
                    this.mark = { from: start, to: e.offsetX };
                    this.draw();
                } else {
                    const from = begin - ((e.offsetX - start) / this.#width) * state.span;
                    state.setRange(from, from + state.span);
                }
            };
            const up = (e) => {
                canvas.removeEventListener("pointermove", move);
                canvas.removeEventListener("pointerup", up);
                if (this.mark) {
                    const times = [this.timeAt(this.mark.from), this.timeAt(this.mark.to)].sort((a, b) => a - b);
                    this.mark = null;
                    state.setRange(...times);
                } else if (!moved) {
                    this.#click(e.offsetX, e.offsetY);
                }
            };
            canvas.addEventListener("pointermove", move);
            canvas.addEventListener("pointerup", up);
        });
        canvas.addEventListener("dblclick", (event) => {
            if (event.offsetX > GUTTER) state.zoom(0.25, this.timeAt(event.offsetX));
        });
        canvas.addEventListener("pointermove", (event) => this.#hover(event));
        canvas.addEventListener("pointerleave", () => (this.tooltip.hidden = true));
    }

    #laneAt(y) {
        return Math.floor((y - AXIS + this.box.scrollTop) / this.laneHeight);
    }

    /* The frame next to a point, within a few pixels; -1: none. */
    #frameAt(x, y) {
        const { model, state } = this, lane = this.lanes[this.#laneAt(y)];
        if (!lane || y < AXIS) return -1;
        const reach = (5 / this.#width) * state.span, time = this.timeAt(x);
        const [from, to] = model.rowsBetween(time - reach, time + reach);
        const upper = y < this.#middle(this.#laneAt(y));
        let best = -1, distance = Infinity;
        for (let row = from; row < to && row < from + 200000; row++) {
            if ((state.mask && !state.mask[row]) || model.ownerOf(row) !== lane.index) continue;
            const side = SIDE[model.frames.what[row]];
            const far = Math.abs(model.frames.time[row] - time) + ((side === IN) === upper ? reach / 2 : 0);
            if (far < distance) [best, distance] = [row, far];
        }
        return best;
    }

    #click(x, y) {
        const row = this.#frameAt(x, y);
        if (row >= 0) this.state.selectRow(row);
        else this.state.setTime(this.timeAt(x));
    }

    #hover(event) {
        if (event.buttons) return;
        const { tooltip } = this, x = event.offsetX, y = event.offsetY;
        const lines = x > GUTTER ? this.#describe(x, y) : [];
        tooltip.hidden = !lines.length;
        if (!lines.length) return;
        tooltip.replaceChildren(...lines.map((text) => Object.assign(document.createElement("div"), { textContent: text })));
        const box = this.canvas.getBoundingClientRect(), room = tooltip.getBoundingClientRect();
        tooltip.style.left = `${Math.min(box.left + x + 14, window.innerWidth - room.width - 8)}px`;
        tooltip.style.top = `${Math.min(box.top + y + 14, window.innerHeight - room.height - 8)}px`;
    }

    #describe(x, y) {
        const { model, state } = this, reach = (5 / this.#width) * state.span, time = this.timeAt(x);
        const lines = [], lane = this.lanes[this.#laneAt(y)];
        const row = this.#frameAt(x, y);
        if (row >= 0) {
            const head = model.headOf(row);
            if (head === undefined) model.heads.load(model.frames.head[row]);
            const what = model.frames.what[row], reason = model.reasonOf(row);
            lines.push(`${exactTime(model.frames.time[row])}  ${model.placeLabel(model.frames.place[row])} ${WHAT[what]}${reason ? ": " + reason : ""}`);
            if (head !== undefined) {
                const d = decode(head, model.frames.length[row]);
                lines.push(`${d.source} → ${d.destination} ${d.protocol}`, d.info);
            }
            const first = model.origin[row];
            if (first !== row) lines.push(`${duration(model.frames.time[row] - model.frames.time[first])} after it was sent`);
            else if (model.fate[row] === GONE) lines.push("never arrived");
        }
        const near = lowerBound(model.consoleTimes, time - reach);
        for (let i = near; i < model.console.length && model.consoleTimes[i] <= time + reach && lines.length < 8; i++)
            if (lane && model.nodeIndex.get(model.console[i].node) === lane.index)
                lines.push(`console: ${plain(model.console[i].data).slice(0, 100)}`);
        for (const event of model.events)
            if (Math.abs(event.time - time) <= reach && lines.length < 10)
                lines.push(`${exactTime(event.time)}  ${model.eventText(event)}`);
        return lines;
    }

    #key(event) {
        const { state } = this;
        if (event.altKey || event.ctrlKey || event.metaKey) return;
        const far = event.shiftKey ? 1 : 0.1;
        const actions = {
            ArrowLeft: () => state.pan(-far), ArrowRight: () => state.pan(far),
            Home: () => state.setRange(state.model.begin, state.model.begin + state.span),
            End: () => state.setRange(state.model.end - state.span, state.model.end),
            ArrowUp: () => (this.box.scrollTop -= this.laneHeight), ArrowDown: () => (this.box.scrollTop += this.laneHeight),
        };
        if (!(event.key in actions)) return;
        event.preventDefault();
        actions[event.key]();
    }
}
