/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is connected to whom. Nodes are placed by springs from fixed beginnings: the same run is always
 * drawn the same way. A node can be switched off, which hides its frames everywhere. */
import { $, oncePerFrame, svg } from "./dom.js";
import { bytes, count, duration, lowerBound, rate } from "./format.js";
import { DELIVERED, SENT, TRANSMITTED } from "./model.js";

const NODES_MAX = 300;

function layout(points, edges, width, height) {
    const n = points.length, length = Math.sqrt((width * height) / Math.max(1, n)) * 0.75;
    if (n && points.every((point) => point.participant?.at)) {
        points.forEach((point) => ([point.x, point.y] = [point.participant.at[0], -point.participant.at[1]]));
        fill(points, width, height, true);
        return;
    }
    points.forEach((point, i) => {
        const angle = (2 * Math.PI * i) / n - Math.PI / 2;
        point.x = Math.cos(angle) * width * 0.35;
        point.y = Math.sin(angle) * height * 0.35;
    });
    const rounds = Math.max(30, Math.min(400, 40000 / Math.max(1, n)));
    for (let round = 0; round < rounds; round++) {
        const heat = length * 0.2 * (1 - round / rounds);
        for (const point of points) point.fx = point.fy = 0;
        for (let i = 0; i < n; i++)
            for (let j = i + 1; j < n; j++) {
                const a = points[i], b = points[j];
                const dx = a.x - b.x || 0.01 * (i - j), dy = a.y - b.y || 0.01 * (j - i);
                const force = (length * length) / (dx * dx + dy * dy);
                a.fx += dx * force;
                a.fy += dy * force;
                b.fx -= dx * force;
                b.fy -= dy * force;
            }
        for (const [a, b] of edges) {
            const dx = a.x - b.x, dy = a.y - b.y, force = Math.hypot(dx, dy) / length;
            a.fx -= dx * force;
            a.fy -= dy * force;
            b.fx += dx * force;
            b.fy += dy * force;
        }
        for (const point of points) {
            const size = Math.hypot(point.fx, point.fy) || 1, step = Math.min(size, heat) / size;
            point.x += point.fx * step;
            point.y += point.fy * step;
        }
    }
    fill(points, width, height, false);
}

/* Lay the longer side across, and fill the box. */
function fill(points, width, height, isMap) {
    const n = points.length;
    const spread = (key) => Math.max(...points.map((p) => p[key])) - Math.min(...points.map((p) => p[key]));
    if (!isMap && n > 1 && spread("y") > spread("x") === width > height) points.forEach((p) => ([p.x, p.y] = [p.y, p.x]));
    for (const [key, room, margin] of [["x", width, 62], ["y", height, 30]]) {
        const low = Math.min(...points.map((p) => p[key])), all = spread(key);
        const scale = all > 1e-3 ? (room - 2 * margin) / all : 0;
        points.forEach((p) => (p[key] = scale ? (p[key] - low) * scale + margin : room / 2));
    }
}

export class Topology {
    constructor(state) {
        this.state = state;
        this.model = state.model;
        this.root = $("topology");
        this.update = oncePerFrame(() => this.#update());
        for (const name of ["range", "rows", "hidden", "time"]) state.on(name, this.update);
        new ResizeObserver(() => this.#draw()).observe(this.root);
    }

    #draw() {
        const { model, root } = this, { clientWidth: width, clientHeight: height } = root;
        if (!width || !height || (this.width === width && this.height === height)) return;
        [this.width, this.height] = [width, height];
        const shown = model.participants.filter((p) => p.kind !== "link").slice(0, NODES_MAX);
        const points = shown.map((participant) => ({ participant }));
        const edges = [];
        this.links = [];
        for (const link of model.facts.links) {
            const ends = points.filter((point) => point.participant.links?.has(link.id));
            if (!ends.length) continue;
            const drawn = { link, lines: [] };
            this.links.push(drawn);
            if (ends.length === 2) {
                edges.push([ends[0], ends[1], drawn]);
            } else {
                const hub = { hub: link };
                points.push(hub);
                for (const end of ends) edges.push([end, hub, drawn]);
            }
        }
        layout(points, edges, width, height);
        const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Nodes and links" });
        const labels = [];
        for (const [a, b, drawn] of edges) {
            const line = svg("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, class: "edge" });
            drawn.lines.push(line);
            picture.append(line);
            if (!a.hub && !b.hub) labels.push([drawn, (a.x + b.x) / 2, (a.y + b.y) / 2]);
        }
        for (const point of points) if (point.hub)
            labels.push([this.links.find((drawn) => drawn.link === point.hub), point.x, point.y]);
        for (const [drawn, x, y] of labels) picture.append(this.#linkLabel(drawn, x, y, points.length));
        this.nodes = points.filter((point) => point.participant).map((point) => this.#node(point));
        picture.append(...this.nodes.map((node) => node.group));
        root.replaceChildren(picture);
        if (model.participants.length > NODES_MAX) {
            root.append(Object.assign(document.createElement("p"), {
                textContent: `The first ${NODES_MAX} of ${model.participants.length} are drawn.`,
            }));
        }
        this.#update();
    }

    #linkLabel(drawn, x, y, crowd) {
        const { link } = drawn;
        const facts = [link.type, link.rate_bps ? rate(link.rate_bps) : "", link.delay_ns ? duration(link.delay_ns) : "",
            link.loss_ppb ? `loss ${link.loss_ppb / 1e7} %` : ""].filter(Boolean).join(", ");
        const group = svg("g", { class: "link", transform: `translate(${x} ${y})` });
        const text = svg("text", { "text-anchor": "middle", y: crowd > 12 || !facts ? 4 : -2 });
        text.textContent = link.name.slice(0, 18);
        const wide = Math.max(text.textContent.length * 6.6, crowd > 12 ? 0 : facts.length * 5.6) + 12;
        group.append(svg("rect", { x: -wide / 2, y: crowd > 12 ? -9 : -15, width: wide, height: crowd > 12 ? 18 : 30, rx: 5 }), text);
        if (crowd <= 12) {
            const second = svg("text", { "text-anchor": "middle", y: 11, class: "small" });
            second.textContent = facts;
            group.append(second);
        }
        drawn.title = svg("title");
        group.append(drawn.title);
        drawn.facts = facts;
        return group;
    }

    #node(point) {
        const { participant } = point, name = participant.name;
        const label = name.length > 15 ? name.slice(0, 14) + "…" : name;
        const wide = Math.max(54, label.length * 7.4 + 26);
        const text = svg("text", { x: 5, y: 4.5, "text-anchor": "middle" });
        text.textContent = label;
        const title = svg("title");
        const group = svg("g", {
            class: `node ${participant.kind}`, transform: `translate(${point.x} ${point.y})`, tabindex: 0,
            role: "button", "aria-label": name,
        }, svg("rect", { x: -wide / 2, y: -15, width: wide, height: 30, rx: 7 }),
        svg("circle", { cx: -wide / 2 + 12, cy: 0, r: 4 }), text, title);
        group.addEventListener("click", (event) => this.#press(participant, event));
        group.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" && event.key !== " ") return;
            event.preventDefault();
            this.#press(participant, event);
        });
        return { participant, group, title };
    }

    /* With Ctrl: this one alone, or all again. */
    #press(participant, event) {
        const { state, model } = this;
        if (!event.ctrlKey && !event.metaKey) return state.toggle(participant.index);
        const others = model.participants.filter((p) => p !== participant).map((p) => p.index);
        const alone = others.every((index) => state.hidden.has(index));
        state.setHidden(new Set(alone ? [] : others));
    }

    /* Bytes of frames in the range, by participant and link. */
    #traffic() {
        const { model, state } = this, { what, place, length } = model.frames;
        const [from, to] = model.rowsBetween(state.begin, state.end + 1);
        const out = new Float64Array(model.participants.length), into = out.slice(), links = new Map();
        for (let row = from; row < to; row++) {
            if (place[row] < 0 || (state.mask && !state.mask[row])) continue;
            if (what[row] === TRANSMITTED || what[row] === SENT) {
                out[model.placeOwner[place[row]]] += length[row];
                const link = model.placeLink[place[row]];
                links.set(link, (links.get(link) ?? 0) + length[row]);
            } else if (what[row] === DELIVERED) {
                into[model.placeOwner[place[row]]] += length[row];
            }
        }
        return { out, into, links };
    }

    #update() {
        const { model, state } = this;
        if (!this.nodes) return;
        const { out, into, links } = this.#traffic(), most = Math.max(1, ...links.values());
        for (const drawn of this.links) {
            const sent = links.get(drawn.link.id) ?? 0;
            for (const line of drawn.lines) {
                line.style.strokeWidth = sent ? 1.5 + 5 * (Math.log2(1 + sent) / Math.log2(1 + most)) : 1;
                line.classList.toggle("idle", !sent);
            }
            drawn.title.textContent = `${drawn.link.name}: ${drawn.facts}\n${bytes(sent)} sent in the range shown`;
        }
        const time = state.time ?? state.end;
        for (const { participant, group, title } of this.nodes) {
            const spans = model.upSpans[participant.index];
            const at = lowerBound(spans.map((span) => span.begin), time + 1) - 1;
            const span = spans[at], up = span && (span.end === undefined || span.end > time);
            const life = participant.kind !== "node" ? participant.kind : up ? "up" : span?.failed ? "failed" : "down";
            group.classList.toggle("off", state.hidden.has(participant.index));
            group.dataset.life = life;
            group.setAttribute("aria-pressed", !state.hidden.has(participant.index));
            title.textContent = `${participant.name}: ${life}\n${bytes(out[participant.index])} sent, ` +
                `${bytes(into[participant.index])} received in the range shown\nClick: show or hide; with Ctrl: alone. ${count(participant.places.length)} ports`;
        }
    }
}
