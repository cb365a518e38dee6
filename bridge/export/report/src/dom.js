/* SPDX-License-Identifier: BSD-3-Clause */
/* Elements. Text goes in as text only: whatever a trace holds, it is never parsed as HTML. */

export const $ = (id) => document.getElementById(id);

/** el("td", {class: "n"}, "text", child, ...) */
export function el(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else if (value === true) element.setAttribute(key, "");
        else if (value !== false && value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children.filter((child) => child !== undefined && child !== null));
    return element;
}

export function svg(name, attributes = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes))
        if (value !== undefined) element.setAttribute(key, value);
    element.append(...children);
    return element;
}

/** The colours that style.css has for the theme in force. */
export function palette() {
    const style = getComputedStyle(document.documentElement);
    const get = (name) => style.getPropertyValue("--" + name).trim();
    return {
        text: get("text"), dim: get("dim"), line: get("line"), panel: get("panel"),
        page: get("page"), lane: get("lane"), accent: get("accent"), out: get("out"),
        in: get("in"), bad: get("bad"), log: get("log"), run: get("run"), event: get("event"),
        series: [1, 2, 3, 4, 5, 6, 7, 8].map((i) => get("series-" + i)),
    };
}

/** Let the browser paint and take input. */
export function breathe() {
    return new Promise((resolve) => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => resolve();
        channel.port2.postMessage(0);
    });
}

/** Calls fn once per frame however often it is asked to. */
export function oncePerFrame(fn) {
    let asked = false;
    return () => {
        if (asked) return;
        asked = true;
        requestAnimationFrame(() => {
            asked = false;
            fn();
        });
    };
}

/** Fit a canvas to its box. @return its context, in CSS pixels, and its size */
export function canvasOf(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    const w = Math.round(width * ratio), h = Math.round(height * ratio);
    if (canvas.width !== w) canvas.width = w;
    if (canvas.height !== h) canvas.height = h;
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return { context, width, height };
}
