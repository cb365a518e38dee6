/* SPDX-License-Identifier: BSD-3-Clause */
/* The report in a browser: it loads, and does what it says. */
import { contains, equal, ok, run } from "./harness.mjs";

const SHIFT = 8, CTRL = 2;

/* What of the timeline's pixels, those from one height to another, is of a colour that style.css names. */
function pixels(name, from = 0, to = 1e6) {
    return `(() => {
        const canvas = document.querySelector("#timeline"), copy = document.createElement("canvas");
        [copy.width, copy.height] = [canvas.width, canvas.height];
        const c = copy.getContext("2d", { willReadFrequently: true });
        c.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--${name}");
        c.fillRect(0, 0, 1, 1);
        const [r, g, b] = c.getImageData(0, 0, 1, 1).data;
        c.clearRect(0, 0, 1, 1);
        c.drawImage(canvas, 0, 0);
        const { data } = c.getImageData(0, 0, copy.width, copy.height);
        let n = 0;
        const wide = 4 * copy.width;
        for (let i = ${from} * wide; i < Math.min(data.length, ${to} * wide); i += 4) n += data[i] === r && data[i + 1] === g && data[i + 2] === b;
        return n;
    })()`;
}

/* The range that is shown, as numbers. */
async function range(page) {
    const text = await page.text("#range");
    return /whole run/.test(text) ? null : [...text.matchAll(/(\d+\.\d{9}) s/g)].map((m) => Number(m[1]));
}

async function filter(page, text, state) {
    await page.key("/");
    equal(await page.evaluate("document.activeElement.id"), "filter", "/ goes to the filter");
    await page.evaluate("document.activeElement.select()");
    await page.type(text);
    await page.key("Enter");
    await page.until(`document.querySelector("#filter-state").innerText === ${JSON.stringify(state)}`, `${text}: ${state}, it says ${await page.text("#filter-state")}`);
    await page.evaluate("document.activeElement.blur()");
}

async function rows(page, list) {
    await page.settle();
    return page.evaluate(`[...document.querySelectorAll("${list} .row:not([hidden])")].map((row) => [...row.children].map((cell) => cell.textContent))`);
}

const selected = (page, list) => page.evaluate(`document.querySelector("${list} [aria-selected=true]")?.innerText.replace(/\\s+/g, " ") ?? null`);

await run([
    ["a run is summed up", async ({ open, report }) => {
        const page = await open(report("sample"));
        equal(await page.text("h1"), "sample", "the heading");
        const badges = await page.text("#badges");
        for (const part of ["1 of 2 expectations not met", "2 s simulated", "1 s wall time", "3 nodes", "145 frames sent", "15 lost"]) contains(badges, part, "badges");
        /* What went wrong is what one wants to see first. */
        equal(await page.evaluate("document.querySelector('[role=tab][aria-selected=true]').textContent"), "Expectations", "the open tab");
        contains(await page.text("#panel-outcome"), "✗ not met", "expectations");
        contains(await page.text("#panel-outcome"), "which never came", "expectations");
        contains(await page.text("#panel-outcome"), "kill", "events");
    }],
    ["the topology has the nodes and links", async ({ open, report }) => {
        const page = await open(report("sample"));
        equal(await page.evaluate("[...document.querySelectorAll('#topology .node')].map((n) => n.getAttribute('aria-label'))"), ["client", "router", "server"], "nodes");
        equal(await page.evaluate("[...document.querySelectorAll('#topology .link text:first-of-type')].map((n) => n.textContent)"), ["left", "right"], "links");
        equal(await page.evaluate("document.querySelectorAll('#topology .edge').length"), 4, "two lines for each link, with its name between them");
        /* The server was killed at 1 s. */
        equal(await page.evaluate("[...document.querySelectorAll('#topology .node')].map((n) => n.dataset.life)"), ["up", "up", "failed"], "lives");
        await page.evaluate("document.querySelector('#topology .node[aria-label=client]').focus()");
        await page.key("Enter");
        await page.until("document.querySelector('#filter-state').innerText === '250 of 290 records'", "the client's frames are gone");
        equal(await page.evaluate("document.querySelector('#topology .node[aria-label=client]').getAttribute('aria-pressed')"), "false", "pressed");
        await page.key("Enter", CTRL);
        await page.until("document.querySelector('#filter-state').innerText === '40 of 290 records'", "the client's frames alone");
        await page.key("Enter", CTRL);
        await page.until("document.querySelector('#filter-state').innerText === '290 records'", "all again");
    }],
    ["the packet list decodes headers", async ({ open, report }) => {
        const page = await open(report("sample"));
        await page.key("1");
        await page.until("document.querySelector('#packet-list .row').children[6].textContent === 'ICMP'", "heads are there");
        equal((await rows(page, "#packet-list"))[0], ["1", "0.010000000", "client.eth0", "sent", "10.0.0.1", "10.0.0.2", "ICMP", "98", "echo request id 1 seq 1"], "the first row");
        equal((await rows(page, "#packet-list"))[3], ["2", "0.012000000", "client.eth0", "received", "10.0.0.2", "10.0.0.1", "ICMP", "98", "echo reply id 1 seq 1"], "the fourth row");
        await page.evaluate("document.querySelector('#packet-list').focus()");
        await page.key("End");
        equal((await rows(page, "#packet-list")).at(-1).slice(1, 9), ["0.991000000", "router.eth1", "dropped", "10.0.0.3", "10.0.0.2", "UDP", "142", "[no buffer] 40000 → 7, 100 bytes"], "the last row");
        contains(await page.text("#packet-detail"), "Destination port\n7", "the selected frame");
        contains(await page.text("#packet-detail"), "dropped", "its way");
        contains(await page.text("#packet-detail .hex"), "0000  02 74 74 00 02 00 02 74", "its bytes");
        await page.key("ArrowUp");
        contains(await selected(page, "#packet-list"), "0.990000000 server.eth0 sent", "arrow up");
        equal(await page.evaluate("document.querySelector('#packet-list').getAttribute('aria-activedescendant') === document.querySelector('#packet-list [aria-selected=true]').id"), true, "the active descendant");
        await page.key("Home");
        contains(await selected(page, "#packet-list"), "0.010000000 client.eth0 sent", "home");
        await page.key("n");
        contains(await selected(page, "#packet-list"), "0.011000000 router.eth0 received", "next");
        await page.click("#packet-list .row:nth-child(5)");
        contains(await selected(page, "#packet-list"), "0.020000000 client.eth0 sent", "click");
    }],
    ["filters choose frames", async ({ open, report }) => {
        const page = await open(report("sample"));
        await page.key("1");
        await filter(page, "tcp", "190 of 290 records");
        await filter(page, "tcp lost", "10 of 290 records");
        await filter(page, "-tcp -udp", "80 of 290 records");
        await filter(page, "node:client", "40 of 290 records");
        await filter(page, "link:right len>1000", "100 of 290 records");
        await filter(page, "port:7 dropped", "10 of 290 records");
        await filter(page, "ip:10.0.0.3 -udp", "190 of 290 records");
        await filter(page, "packet:3", "2 of 290 records");
        await filter(page, "reason:queue", "5 of 290 records");
        await filter(page, "reply", "40 of 290 records");
        equal((await rows(page, "#packet-list"))[0][8], "echo reply id 1 seq 1", "the first that passes");
        equal(await page.evaluate("document.querySelector('#packet-list').getAttribute('aria-rowcount')"), "40", "rows of the list");
        await filter(page, "node:nobody", "there is no node \"nobody\"");
        equal(await page.evaluate("document.querySelector('#filter').getAttribute('aria-invalid')"), "true", "invalid");
        await page.key("/");
        await page.key("Escape");
        await page.until("document.querySelector('#filter-state').innerText === '290 records'", "Escape clears it");
    }],
    ["the timeline draws, zooms and moves", async ({ open, report }) => {
        const page = await open(report("sample"));
        for (const colour of ["out", "in", "bad", "log"]) ok(await page.evaluate(pixels(colour)) > 20, `there is nothing of --${colour}`);
        await filter(page, "udp", "20 of 290 records");
        equal(await page.evaluate(pixels("in")), 0, "received datagrams");
        await filter(page, " ", "290 records");
        equal(await range(page), null, "at first");
        const box = await page.box("#timeline"), x = 132 + (box.width - 132) / 2;
        await page.wheel("#timeline", x, 80, -400);
        const zoomed = await range(page);
        ok(Math.abs(zoomed[0] + zoomed[1] - 2) < 0.02 && zoomed[1] - zoomed[0] < 1.5, `the wheel zooms about the pointer: ${zoomed}`);
        await page.drag("#timeline", [x, 80], [x + 200, 80]);
        const moved = await range(page);
        ok(moved[0] < zoomed[0] && Math.abs(moved[1] - moved[0] - (zoomed[1] - zoomed[0])) < 1e-6, `dragging moves: ${moved}`);
        await page.key("f");
        equal(await range(page), null, "f shows all");
        await page.drag("#timeline", [132 + (box.width - 132) * 0.25, 80], [132 + (box.width - 132) * 0.5, 80], SHIFT);
        const marked = await range(page);
        ok(Math.abs(marked[0] - 0.5) < 0.01 && Math.abs(marked[1] - 1) < 0.01, `Shift marks: ${marked}`);
        await page.click("#fit");
        await page.key("t");
        equal(await page.evaluate("document.activeElement.id"), "timeline", "t");
        await page.key("+");
        await page.key("+");
        const half = await range(page);
        ok(Math.abs(half[1] - half[0] - 0.5) < 1e-6, `+ halves: ${half}`);
        await page.key("ArrowRight");
        const right = await range(page);
        ok(Math.abs(right[0] - half[0] - 0.05) < 1e-6, `the arrow moves by a tenth: ${right}`);
        await page.key("Home");
        equal((await range(page))[0], 0, "Home");
        await page.key("End");
        equal((await range(page))[1], 2, "End");
        await page.key("-");
        ok((await range(page))[1] - (await range(page))[0] > 0.99, "- doubles");
    }],
    ["a click in the timeline selects the frame", async ({ open, report }) => {
        const page = await open(report("sample"));
        await page.key("1");
        await page.key("n");
        await page.key("z");
        const [begin, end] = await range(page), box = await page.box("#timeline"), lanes = await page.evaluate("document.querySelector('#lanes-space').offsetHeight");
        const height = (lanes - 42) / 3, x = (time) => 132 + ((time - begin) / (end - begin)) * (box.width - 132);
        await page.click("#timeline", { dx: x(0.011), dy: 42 + height * 1.75 });
        contains(await selected(page, "#packet-list"), "0.011000000 router.eth0 received", "below the line of the second lane");
        await page.click("#timeline", { dx: x(0.011), dy: 42 + height * 1.25 });
        contains(await selected(page, "#packet-list"), "0.011000000 router.eth0 sent", "above it");
        await page.mouse("mouseMoved", box.x + x(0.011), box.y + 42 + height * 1.25);
        await page.until("!document.querySelector('#tooltip').hidden && document.querySelector('#tooltip').innerText.includes('echo reply')", "the tooltip");
    }],
    ["the console is in step with the timeline", async ({ open, report }) => {
        const page = await open(report("sample"));
        await page.key("4");
        contains(await page.text("#panel-console"), "24 of 24 lines", "all lines");
        const box = await page.box("#timeline");
        /* At 0.75 s nothing is drawn in the client's lane. */
        await page.click("#timeline", { dx: 132 + (box.width - 132) * 0.375, dy: 40 });
        contains(await selected(page, "#console-list"), "seq=20", "the last line before 0.75 s");
        equal(await page.evaluate("document.querySelectorAll('#console-list .row.later:not([hidden])').length"), 1, "later lines");
        await page.evaluate("document.querySelector('#console-list').focus()");
        await page.key("End");
        contains(await selected(page, "#console-list"), "client goodbye", "the last line");
        await page.key("1");
        equal((await rows(page, "#packet-list")).at(-1)[1], "0.991000000", "the packets follow");
        await page.key("4");
        await page.evaluate("document.querySelector('#panel-console select').focus()");
        await page.evaluate("(() => { const s = document.querySelector('#panel-console select'); s.value = '1'; s.dispatchEvent(new Event('input')); })()");
        await page.until("document.querySelector('#panel-console [role=status]').innerText === '1 of 24 lines'", "the router's lines");
    }],
    ["the sequence diagram is between the nodes that are chosen", async ({ open, report }) => {
        const page = await open(report("sample"));
        await page.key("2");
        contains(await page.text("#panel-sequence .controls"), "145 frames", "all three");
        equal(await page.evaluate("[...document.querySelectorAll('.lifelines span')].map((s) => s.textContent)"), ["client", "router", "server"], "lifelines");
        await page.click("#panel-sequence .chip:nth-child(3)");
        contains(await page.text("#panel-sequence .controls"), "45 frames", "without the server: echoes, and what the router lost");
        equal(await page.evaluate("[...document.querySelectorAll('.lifelines span')].map((s) => s.textContent)"), ["client", "router"], "lifelines");
        await page.until("document.querySelector('#sequence-list .row').innerText.includes('1 ms · ICMP echo request id 1 seq 1')", "the first");
        equal(await page.evaluate("document.querySelectorAll('#sequence-list .row:first-child .arrow').length"), 1, "an arrow");
        await page.click("#panel-sequence .chip:nth-child(1)");
        await page.click("#panel-sequence .chip:nth-child(3)");
        contains(await page.text("#panel-sequence .controls"), "105 frames", "router and server");
        await page.evaluate("document.querySelector('#sequence-list').focus()");
        await page.key("End");
        contains(await selected(page, "#sequence-list"), "lost · UDP 40000 → 7", "the last");
        await page.click("#sequence-notes");
        await page.until("document.querySelector('#sequence-list').dataset.count === '109'", "two console lines and two events between them");
    }],
    ["plots have what was measured", async ({ open, report }) => {
        const page = await open(report("sample"));
        await page.key("3");
        await page.until("document.querySelector('#panel-plots').innerText.includes('65 measured')", "20 echoes and 45 segments");
        await page.settle();
        equal(await page.evaluate("document.querySelectorAll('#panel-plots .uplot').length"), 4, "plots: nothing was told of queues");
        const labels = await page.evaluate("[...document.querySelectorAll('#panel-plots .canvas')].map((c) => c.getAttribute('aria-label'))");
        contains(labels[1], "max: at most 3 ms", "one-way delay");
        contains(labels[2], "max: at most 6 ms", "round trips");
        equal(labels[3], null, "queues");
        contains(labels[4], "right: at most 1", "under way");
        const box = await page.box("#panel-plots .u-over");
        await page.drag("#panel-plots .u-over", [box.width * 0.25, 50], [box.width * 0.5, 50]);
        const marked = await range(page);
        ok(Math.abs(marked[0] - 0.5) < 0.02 && Math.abs(marked[1] - 1) < 0.02, `dragging zooms everything: ${marked}`);
    }],
    ["queues are what the network told, and others than nodes are shown where they were seen", async ({ open, report }) => {
        const page = await open(report("connection"));
        await page.key("3");
        await page.until("document.querySelector('#panel-plots').innerText.includes('2 measured')", "both SYNs; not beyond a restart");
        await page.settle();
        const label = (n) => page.evaluate(`[...document.querySelectorAll('#panel-plots .canvas')][${n}].getAttribute("aria-label")`);
        equal(await label(3), "client.eth0: at most 9; sw/right: at most 5", "queues");
        /* One delay is twenty times the others: a linear scale would show nothing of these. */
        const boxes = () => page.evaluate("[...document.querySelectorAll('#panel-plots figcaption input')].map((box) => box.checked)");
        equal(await boxes(), [true, false], "logarithmic: delays, not round trips");
        const plots = () => page.evaluate("[...document.querySelectorAll('#panel-plots .uplot')].length");
        await page.click("#panel-plots figcaption .chip");
        equal([await boxes(), await plots()], [[false, false], 5], "as the user wants it");
        /* From 22.5 ms on the level of before stands. */
        await page.evaluate("document.querySelector('#timeline').focus()");
        for (let i = 0; i < 3; i++) await page.key("+");
        const [begin, end] = await range(page);
        ok(begin > 0.13 && end < 0.17, `the middle: ${begin} to ${end}`);
        await page.until("[...document.querySelectorAll('#panel-plots .canvas')][3].getAttribute('aria-label') === 'sw/right: at most 1'", "what still waits");
        await page.key("2");
        equal(await page.evaluate("[...document.querySelectorAll('#panel-sequence .chip')].map((c) => c.innerText)"), ["client", "server", "console and events"], "neither links nor the switch, where nothing was seen");
        await page.key("f");
        const lanes = await page.evaluate("document.querySelector('#lanes-space').offsetHeight"), box = await page.box("#lanes");
        ok(lanes <= box.height + 1 && lanes > 42 + 2 * 26, `two lanes: ${lanes}`);
    }],
    ["sequence numbers count from where the connection began", async ({ open, report }) => {
        const page = await open(report("connection"));
        await page.key("1");
        await page.until("document.querySelector('#packet-list .row').children[6].textContent === 'TCP'", "heads are there");
        const info = (await rows(page, "#packet-list")).map((cells) => cells[8]);
        equal([info[0], info[2], info[4], info[6]], ["40000 → 80 [SYN] seq 0 win 65535", "80 → 40000 [SYN, ACK] seq 0 ack 1 win 65535",
            "40000 → 80 [PSH, ACK] seq 1 ack 1 win 65535, 100 bytes", "40000 → 80 [PSH, ACK] seq 201 ack 1 win 65535, 100 bytes"], "beyond 2^32, too");
        await page.evaluate("document.querySelector('#packet-list').focus()");
        for (let i = 0; i < 5; i++) await page.key("ArrowDown");
        contains(await page.text("#packet-detail"), "Sequence number\n1 (4294967291)", "in full");
        contains(await page.text("#packet-detail"), "Acknowledgement\n1 (7001)", "in full");
    }],
    ["events say to whom they happened", async ({ open, report }) => {
        const page = await open(report("connection"));
        await page.key("6");
        const cells = await page.evaluate("[...document.querySelectorAll('#panel-outcome tbody tr')].map((row) => [...row.children].slice(1).map((cell) => cell.innerText))");
        equal(cells.slice(2, 4), [["set", "left", "delay 1.5 ms rate 20 Mbit/s"], ["carrier-off", "server eth0", ""]], "the table");
        await page.key("2");
        await page.click("#sequence-notes");
        await page.until("document.querySelector('#sequence-list').dataset.count === '17'", "two events");
        await page.evaluate("document.querySelector('#sequence-list').focus()");
        await page.key("End");
        for (let i = 0; i < 3; i++) await page.key("ArrowUp");
        contains(await selected(page, "#sequence-list"), "server: carrier-off eth0", "before what comes later");
        /* Close to each other, both have their words on the timeline. */
        for (const [from, to] of [[18, 28], [30, 39]]) {
            const written = await page.evaluate(pixels("event", from, to));
            ok(written > 20, `words between ${from} and ${to}: ${written} pixels`);
        }
    }],
    ["flows, profile and certificate have their figures", async ({ open, report }) => {
        const page = await open(report("sample"));
        await page.key("5");
        const flows = await rows(page, "#flow-list");
        equal(flows[0].slice(0, 7), ["tcp", "10.0.0.2:5000", "10.0.0.3:80", "50", "52.7 kB", "5 (10.0 %)", "3 ms"], "the largest flow");
        equal(flows.length, 5, "flows");
        await page.click("#flow-list .row:first-child");
        await page.until("document.querySelector('#filter-state').innerText === '190 of 290 records'", "a flow becomes the filter");
        await page.key("7");
        contains(await page.text("#panel-profile"), "1 s of wall time for 2 s of simulated time: 2.0 times as fast", "the profile");
        contains((await page.text("#panel-profile")).replace(/\s+/g, " "), "node server 300 ms 30.0 % 100 3 ms 7 9 60 ms", "the server's share");
        contains((await page.text("#panel-profile")).replace(/\s+/g, " "),
            "nodes run 500 ms 50.0 % 50 10 ms waiting at window barriers 100 ms 10.0 % 50 2 ms network 250 ms 25.0 % 50 5 ms before and after the run 150 ms 15.0 %", "the parts");
        await page.key("8");
        ok(/Run\s+[0-9a-f]{64}/.test(await page.text("#panel-certificate")), "the digest");
        contains(await page.text("#panel-certificate"), "18446744073709551615", "a seed of 64 bits");
        await page.click("#panel-certificate .licences summary");
        contains(await page.text("#panel-certificate"), "Permission is hereby granted, free of charge", "uPlot's licence");
    }],
    ["everything can be reached by keyboard", async ({ open, report }) => {
        const page = await open(report("sample"));
        const seen = new Set();
        for (let i = 0; i < 60; i++) {
            await page.key("Tab");
            seen.add(await page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label') || document.activeElement.tagName"));
        }
        for (const id of ["theme", "help-open", "client", "timeline", "filter", "zoom-in", "fit", "tab-outcome"]) ok(seen.has(id), `Tab does not reach ${id}: ${[...seen]}`);
        await page.evaluate("document.querySelector('#tab-outcome').focus()");
        await page.key("ArrowRight");
        equal(await page.evaluate("document.activeElement.id"), "tab-profile", "arrows between tabs");
        ok(!(await page.evaluate("document.querySelector('#panel-profile').hidden")), "the profile is shown");
        await page.key("?");
        ok(await page.evaluate("document.querySelector('#help').open"), "? opens the help");
        await page.key("Escape");
        ok(!(await page.evaluate("document.querySelector('#help').open")), "Escape closes it");
    }],
    ["it is legible in light and in dark", async ({ open, report }) => {
        /* Contrast of text with what is behind it: WCAG 2.1, 1.4.3. */
        const contrast = `(() => {
            const c = document.createElement("canvas").getContext("2d", { willReadFrequently: true }), style = getComputedStyle(document.documentElement);
            const of = (name) => { c.fillStyle = style.getPropertyValue("--" + name); c.fillRect(0, 0, 1, 1);
                const [r, g, b] = [...c.getImageData(0, 0, 1, 1).data].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
            const ratio = (a, b) => (Math.max(of(a), of(b)) + 0.05) / (Math.min(of(a), of(b)) + 0.05);
            const low = [];
            for (const back of ["panel", "lane", "odd", "select", "hover"])
                for (const text of ["text", "dim", "out", "in", "bad", "accent", "good"])
                    if (ratio(text, back) < (back === "select" ? 3 : 4.5)) low.push([text, back, ratio(text, back).toFixed(2)].join(" "));
            for (let i = 1; i <= 8; i++) if (ratio("series-" + i, "panel") < 3) low.push("series-" + i);
            return low;
        })()`;
        for (const scheme of ["light", "dark"]) {
            const page = await open(report("sample"), { scheme });
            equal(await page.evaluate(contrast), [], `too little contrast, ${scheme}`);
            for (const colour of ["out", "in", "bad"]) ok(await page.evaluate(pixels(colour)) > 20, `${scheme}: the timeline has nothing of --${colour}`);
            const other = scheme === "light" ? 2 : 1;
            const before = await page.evaluate("getComputedStyle(document.body).backgroundColor");
            for (let i = 0; i < other; i++) await page.click("#theme");
            ok(before !== await page.evaluate("getComputedStyle(document.body).backgroundColor"), "the button changes the colours");
            ok(await page.evaluate(pixels("out")) > 20, "the timeline, too");
        }
    }],
    ["nothing in a trace becomes part of the page", async ({ open, report }) => {
        const page = await open(report("hostile"));
        const images = () => page.evaluate("document.querySelectorAll('img, b:not(figcaption b, p b)').length");
        for (let tab = 1; tab <= 8; tab++) {
            await page.key(String(tab));
            await page.settle();
            equal(await images(), 0, `elements that tab ${tab} should not have`);
            if (tab === 1) {
                await page.until("document.querySelector('#packet-list .row').children[6].textContent !== ''", "heads are there");
                await page.evaluate("document.querySelector('#packet-list').focus()");
                for (let i = 0; i < 76; i++) await page.key("ArrowDown");
            }
            if (tab === 4) contains(await page.text("#console-list"), "␛[31mred␛[0m �� �gnp.exe ␁ &lt;b&gt;", "control characters can be seen");
        }
        equal(await page.evaluate("window.pwned"), undefined, "a script of the trace has run");
        contains(await page.text("h1"), "</script><img src=x", "the name is text");
        await page.evaluate("document.querySelector('#timeline').focus()");
        for (const text of ["node:__proto__", "node:constructor", "toString", "</script>"]) {
            await page.evaluate(`(() => { const f = document.querySelector("#filter"); f.value = ${JSON.stringify(text)}; f.dispatchEvent(new Event("input")); })()`);
            await new Promise((resolve) => setTimeout(resolve, 300));
        }
    }],
    ["a truncated trace says so", async ({ open, report }) => {
        equal(await (await open(report("sample"))).text("#notices"), "", "nothing to notice");
        const page = await open(report("truncated"));
        contains(await page.text("#notices"), "exported up to 2.000000000 s", "the notice");
        contains(await page.text("#badges"), "trace cut short", "badges");
        equal(await page.text("#filter-state"), "290 records", "what is there");
        await page.key("8");
        contains(await page.text("#panel-certificate"), "it has no certificate", "the certificate");
    }],
    ["a narrow window has everything, too", async ({ open, report }) => {
        const page = await open(report("sample"), { width: 640, height: 900 });
        ok(await page.evaluate("document.documentElement.scrollWidth <= 640"), "it is wider than the window");
        ok((await page.box("#timeline")).height > 100, "the timeline");
        await page.key("1");
        ok((await rows(page, "#packet-list")).length > 5, "the packets");
    }],
]);
