/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is connected to whom. Nodes are placed by springs from fixed beginnings: the same run is always
 * drawn the same way. A node can be switched off, which hides its frames everywhere. */
import { $, oncePerFrame, svg } from "./dom.js";
import { bytes, count, duration, lowerBound, rate } from "./format.js";
import { DELIVERED, SENT, TRANSMITTED } from "./model.js";

const NODES_MAX = 300;

/* Many around one: in columns on both sides of it, in the scenario's order. @return false if that is not what
 * it looks like, or there is no room */
function star(points, edges, width, height) {
    const degrees = new Map(points.map((point) => [point, 0]));
    for (const edge of edges) for (const point of edge.slice(0, 2)) degrees.set(point, degrees.get(point) + 1);
    const hub = points.find((point) => degrees.get(point) === points.length - 1), leaves = points.filter((point) => point !== hub);
    if (!hub || leaves.length < 9 || leaves.some((point) => degrees.get(point) !== 1)) return false;
    const wide = Math.max(...leaves.map((point) => point.wide)) + 8, high = Math.max(...leaves.map((point) => point.high)) + 3;
    const rows = Math.floor((height - 4) / high), sides = Math.ceil(leaves.length / rows / 2), per = Math.ceil(leaves.length / (2 * sides));
    if (rows < 1 || 2 * sides * wide + hub.wide + 40 > width) return false;
    [hub.x, hub.y] = [width / 2, height / 2];
    leaves.forEach((point, i) => {
        const column = Math.floor(i / per), inColumn = Math.min(per, leaves.length - column * per);
        point.x = column < sides ? wide * (column + 0.5) : width - wide * (2 * sides - column - 0.5);
        point.y = height / 2 + ((i % per) - (inColumn - 1) / 2) * Math.max(high, (height - 8) / Math.max(per, 6));
    });
    return true;
}

function layout(points, edges, width, height) {
    const n = points.length, length = Math.sqrt((width * height) / Math.max(1, n)) * 0.75;
    const members = points.filter((point) => point.participant);
    if (n && members.every((point) => point.participant.at)) {
        members.forEach((point) => ([point.x, point.y] = [point.participant.at[0], -point.participant.at[1]]));
        for (const point of points) if (point.hub)
            for (const key of ["x", "y"]) point[key] = point.ends.reduce((sum, end) => sum + end[key], 0) / point.ends.length;
        fill(points, width, height);
        return;
    }
    if (star(points, edges, width, height)) return;
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
    turn(points, width > 2 * height ? 0 : Math.PI / 2);
    fill(points, width, height);
}

/* Turn the longest way upright, since labels are wide and low, unless the box is much wider than high; the first
 * node is above, or on the left. */
function turn(points, wanted) {
    const mean = (fn) => points.reduce((sum, p) => sum + fn(p), 0) / points.length;
    const mx = mean((p) => p.x), my = mean((p) => p.y);
    const xx = mean((p) => (p.x - mx) ** 2), yy = mean((p) => (p.y - my) ** 2), xy = mean((p) => (p.x - mx) * (p.y - my));
    const angle = wanted - Math.atan2(2 * xy, xx - yy) / 2;
    const along = (points[0].x - mx) * Math.cos(angle - wanted) - (points[0].y - my) * Math.sin(angle - wanted);
    const sign = along > 0 ? -1 : 1;
    for (const point of points) {
        const dx = point.x - mx, dy = point.y - my;
        point.x = sign * (dx * Math.cos(angle) - dy * Math.sin(angle));
        point.y = sign * (dx * Math.sin(angle) + dy * Math.cos(angle));
    }
}

/* Fill the box; what is nearly a line is one. */
function fill(points, width, height) {
    const spread = (key) => Math.max(...points.map((p) => p[key])) - Math.min(...points.map((p) => p[key]));
    const longest = Math.max(spread("x"), spread("y"));
    for (const [key, room, margin] of [["x", width, 72], ["y", height, 24]]) {
        const low = Math.min(...points.map((p) => p[key])), all = spread(key);
        const scale = all > longest * 0.02 + 1e-9 ? (room - 2 * margin) / all : 0;
        points.forEach((p) => (p[key] = scale ? (p[key] - low) * scale + margin : room / 2));
    }
}

/* Boxes that lie on each other move apart, the shorter way, as far as the picture goes. */
function separate(points, width, height) {
    for (let round = 0; round < 80; round++) {
        let moved = false;
        for (let i = 0; i < points.length; i++)
            for (let j = i + 1; j < points.length; j++) {
                const a = points[i], b = points[j], dx = b.x - a.x, dy = b.y - a.y;
                const overX = (a.wide + b.wide) / 2 + 4 - Math.abs(dx), overY = (a.high + b.high) / 2 + 3 - Math.abs(dy);
                if (overX <= 0 || overY <= 0) continue;
                moved = true;
                const [key, over, sign] = overX < overY ? ["x", overX, Math.sign(dx) || 1] : ["y", overY, Math.sign(dy) || 1];
                a[key] -= (sign * over) / 2;
                b[key] += (sign * over) / 2;
            }
        for (const point of points) {
            point.x = Math.max(point.wide / 2 + 3, Math.min(width - point.wide / 2 - 3, point.x));
            point.y = Math.max(point.high / 2 + 3, Math.min(height - point.high / 2 - 3, point.y));
        }
        if (!moved) break;
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
        const edges = [], crowd = points.length + Math.min(points.length, model.facts.links.length) > 12;
        this.links = [];
        for (const link of model.facts.links) {
            const ends = points.filter((point) => point.participant?.links.has(link.id));
            if (!ends.length) continue;
            const drawn = { link, lines: [], facts: this.#factsOf(link), title: svg("title") };
            this.links.push(drawn);
            if (ends.length === 2 && crowd) {
                edges.push([ends[0], ends[1], drawn]);
            } else {
                const hub = { hub: drawn, ends };
                points.push(hub);
                for (const end of ends) edges.push([end, hub, drawn]);
            }
        }
        for (const point of points) {
            point.label = point.participant?.name ?? point.hub.link.name;
            if (point.label.length > 15) point.label = point.label.slice(0, 14) + "…";
            if (point.hub) {
                point.wide = Math.max(point.label.length * 6.6, crowd ? 0 : point.hub.facts.length * 5.7) + 12;
                point.high = crowd || !point.hub.facts ? 18 : 30;
                continue;
            }
            point.wide = Math.max(crowd ? 36 : 54, point.label.length * (crowd ? 6.2 : 7.4) + (crowd ? 20 : 33));
            point.high = crowd ? 20 : 30;
        }
        layout(points, edges, width, height);
        separate(points, width, height);
        const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Nodes and links", class: crowd ? "crowd" : "" });
        for (const [a, b, drawn] of edges) {
            const line = svg("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, class: "edge" });
            if (!drawn.lines.length) line.append(drawn.title);
            drawn.lines.push(line);
            picture.append(line);
        }
        picture.append(...points.filter((point) => point.hub).map((point) => this.#linkLabel(point, crowd)));
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

    #factsOf(link) {
        return [link.type, link.rate_bps ? rate(link.rate_bps) : "", link.delay_ns ? duration(link.delay_ns) : "",
            link.loss_ppb ? `loss ${link.loss_ppb / 1e7} %` : ""].filter(Boolean).join(", ");
    }

    #linkLabel({ hub, label, x, y, wide, high }, crowd) {
        const group = svg("g", { class: "link", transform: `translate(${x} ${y})` });
        const text = svg("text", { "text-anchor": "middle", y: high > 18 ? -2 : 4 });
        text.textContent = label;
        group.append(svg("rect", { x: -wide / 2, y: -high / 2, width: wide, height: high, rx: 5 }), text);
        if (!crowd && hub.facts) {
            const second = svg("text", { "text-anchor": "middle", y: 11, class: "small" });
            second.textContent = hub.facts;
            group.append(second);
        }
        return group;
    }

    #node(point) {
        const { participant, label, wide, high } = point, name = participant.name, isNode = participant.kind === "node";
        const text = svg("text", { x: isNode ? 5 : 0, y: 4.5, "text-anchor": "middle" });
        text.textContent = label;
        const title = svg("title");
        const group = svg("g", {
            class: `node ${participant.kind}`, transform: `translate(${point.x} ${point.y})`, tabindex: 0,
            role: "button", "aria-label": name,
        }, svg("rect", { x: -wide / 2, y: -high / 2, width: wide, height: high, rx: high / 4 }), text, title);
        if (isNode) group.append(svg("circle", { cx: -wide / 2 + (high > 20 ? 12 : 9), cy: 0, r: high > 20 ? 4 : 3 }));
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
                line.style.strokeWidth = sent ? 1.5 + (this.links.length > 10 || drawn.lines.length > 10 ? 2 : 5) * (Math.log2(1 + sent) / Math.log2(1 + most)) : 1;
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
