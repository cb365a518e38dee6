/* SPDX-License-Identifier: BSD-3-Clause */
/* What frames say. Any bytes are accepted; what is cut off is left out. Layers have names and fields,
 * a field is [name, value, offset, bytes]. */
import { plain } from "./format.js";

const IP_PROTOCOLS = {
    0: "hop-by-hop", 1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 41: "IPv6", 47: "GRE", 50: "ESP", 58: "ICMPv6",
    89: "OSPF", 132: "SCTP",
};
const ETHERTYPES = { 0x0800: "IPv4", 0x0806: "ARP", 0x86dd: "IPv6", 0x8100: "VLAN", 0x88cc: "LLDP", 0x888e: "802.1X" };
const ICMP = { 0: "echo reply", 3: "destination unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded", 12: "parameter problem" };
const UNREACHABLE = ["network", "host", "protocol", "port", "fragmentation needed", "source route failed"];
const ICMPV6 = {
    1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem",
    128: "echo request", 129: "echo reply", 130: "multicast listener query",
    131: "multicast listener report", 133: "router solicitation", 134: "router advertisement",
    135: "neighbour solicitation", 136: "neighbour advertisement", 143: "multicast listener report v2",
};
const DHCP = ["", "discover", "offer", "request", "decline", "ack", "nak", "release", "inform"];
const DNS_TYPES = { 1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 255: "ANY" };
const RCODES = ["", "format error", "server failure", "no such name", "not implemented", "refused"];
const TCP_FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
const TCP_FLAG_NAMES = Array.from({ length: 256 }, (_, flags) => TCP_FLAGS.filter((name, bit) => (flags >> bit) & 1).join(", "));

const be16 = (b, at) => (b[at] << 8) | b[at + 1];
const be32 = (b, at) => ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;
const hex = (n, digits) => "0x" + n.toString(16).padStart(digits, "0");

export function mac(b, at) {
    return Array.from(b.subarray(at, at + 6), (x) => x.toString(16).padStart(2, "0")).join(":");
}

export function ipv4(b, at) {
    return `${b[at]}.${b[at + 1]}.${b[at + 2]}.${b[at + 3]}`;
}

/* TCP's sequence numbers begin anywhere; people count from where the connection began. */
const sequenceBases = new Map();

/** @param flows  with the sequence number of their SYN, if it is known */
export function countSequencesFrom(flows) {
    for (const f of flows)
        if (f.syn !== undefined) sequenceBases.set(`${f.source} ${f.source_port} ${f.destination} ${f.destination_port}`, f.syn);
}

function relative(sequence, source, from, destination, to) {
    const base = sequenceBases.get(`${source} ${from} ${destination} ${to}`);
    return base === undefined ? sequence : (sequence - base) >>> 0;
}

/* RFC 5952: the longest run of zeros, of two at least, the first of equals. */
export function ipv6(b, at) {
    const words = [];
    for (let i = 0; i < 8; i++) words.push(be16(b, at + 2 * i));
    let best = -1, bestLength = 1;
    for (let i = 0; i < 8; i++) {
        let length = 0;
        while (i + length < 8 && words[i + length] === 0) length++;
        if (length > bestLength) [best, bestLength] = [i, length];
    }
    const text = (list) => list.map((word) => word.toString(16)).join(":");
    if (best < 0) return text(words);
    return text(words.slice(0, best)) + "::" + text(words.slice(best + bestLength));
}

class Decoding {
    constructor(data, length, isFull) {
        this.data = data;
        this.length = length;
        this.isFull = isFull;
        this.layers = [];
        this.source = this.destination = "";
        this.protocol = "Ethernet";
        this.info = "";
        this.ports = null;
    }

    layer(name, offset) {
        this.fields = [];
        this.layers.push({ name, offset, fields: this.fields });
    }

    field(name, value, offset, length) {
        this.fields.push([name, value, offset, length]);
    }

    has(bytes) {
        return this.data.length >= bytes;
    }
}

function dnsName(b, at, end) {
    const labels = [];
    let jumps = 0, after = -1;
    while (at < end && b[at] !== 0) {
        if ((b[at] & 0xc0) === 0xc0) {
            if (at + 1 >= end || ++jumps > 8) return null;
            if (after < 0) after = at + 2;
            at = dnsName.base + (((b[at] & 0x3f) << 8) | b[at + 1]);
            continue;
        }
        const length = b[at];
        if (length > 63 || at + 1 + length > end) return null;
        labels.push(plain(b.subarray(at + 1, at + 1 + length)));
        at += 1 + length;
    }
    if (at >= end) return null;
    return [labels.join(".") || ".", after < 0 ? at + 1 : after];
}
dnsName.base = 0;

function dns(d, at) {
    const b = d.data, end = b.length;
    if (end < at + 12) return;
    const id = be16(b, at), flags = be16(b, at + 2), response = flags >> 15;
    const counts = [be16(b, at + 4), be16(b, at + 6)];
    dnsName.base = at;
    d.layer("DNS", at);
    d.protocol = "DNS";
    if (d.isFull) {
        d.field("Id", hex(id, 4), at, 2);
        d.field("Flags", `${hex(flags, 4)}: ${response ? "answer" : "query"}${response && flags & 15 ? ", " + (RCODES[flags & 15] ?? flags & 15) : ""}`, at + 2, 2);
        d.field("Questions, answers", counts.join(", "), at + 4, 4);
    }
    let info = response ? "answer" : "query", place = at + 12;
    for (let i = 0; i < Math.min(counts[0], 8); i++) {
        const name = dnsName(b, place, end);
        if (!name || name[1] + 4 > end) break;
        const type = be16(b, name[1]);
        if (d.isFull) d.field("Question", `${name[0]} ${DNS_TYPES[type] ?? "type " + type}`, place, name[1] + 4 - place);
        info += ` ${DNS_TYPES[type] ?? "type " + type} ${name[0]}`;
        place = name[1] + 4;
    }
    for (let i = 0; i < Math.min(counts[1], 16); i++) {
        const name = dnsName(b, place, end);
        if (!name || name[1] + 10 > end) break;
        const type = be16(b, name[1]), length = be16(b, name[1] + 8), data = name[1] + 10;
        if (data + length > end) break;
        const value = type === 1 && length === 4 ? ipv4(b, data)
            : type === 28 && length === 16 ? ipv6(b, data)
            : [2, 5, 12].includes(type) ? dnsName(b, data, end)?.[0] ?? "" : `${length} bytes`;
        if (d.isFull) d.field("Answer", `${name[0]} ${DNS_TYPES[type] ?? "type " + type} ${value}`, place, data + length - place);
        info += ` ${value}`;
        place = data + length;
    }
    if (response && flags & 15) info += ` ${RCODES[flags & 15] ?? "error " + (flags & 15)}`;
    d.info = info;
}

function dhcp(d, at) {
    const b = d.data;
    if (b.length < at + 236) return;
    d.layer("DHCP", at);
    d.protocol = "DHCP";
    if (d.isFull) {
        d.field("Transaction", hex(be32(b, at + 4), 8), at + 4, 4);
        d.field("Client address", ipv4(b, at + 12), at + 12, 4);
        d.field("Your address", ipv4(b, at + 16), at + 16, 4);
        d.field("Client MAC", mac(b, at + 28), at + 28, 6);
    }
    let type = b[at] === 1 ? "request" : "reply";
    for (let o = at + 240; o + 1 < b.length && b[o] !== 255;) {
        if (b[o] === 0) {
            o++;
            continue;
        }
        const length = b[o + 1];
        if (o + 2 + length > b.length) break;
        if (b[o] === 53) {
            type = DHCP[b[o + 2]] ?? type;
            if (d.isFull) d.field("Message", type, o, 3);
        } else if (b[o] === 50 && length === 4) d.field("Requested address", ipv4(b, o + 2), o, 6);
        else if (b[o] === 12) d.field("Host name", plain(b.subarray(o + 2, o + 2 + length)), o, 2 + length);
        else if (b[o] === 51 && length === 4) d.field("Lease", `${be32(b, o + 2)} s`, o, 6);
        else if (b[o] === 3 && length >= 4) d.field("Router", ipv4(b, o + 2), o, 2 + length);
        o += 2 + length;
    }
    d.info = `${type} ${mac(b, at + 28)}${be32(b, at + 16) ? " " + ipv4(b, at + 16) : ""}`;
}

function udp(d, at, end) {
    const b = d.data;
    if (!d.has(at + 8)) return;
    const from = be16(b, at), to = be16(b, at + 2), length = be16(b, at + 4);
    d.layer("UDP", at);
    d.protocol = "UDP";
    d.ports = [from, to];
    if (d.isFull) {
        d.field("Source port", from, at, 2);
        d.field("Destination port", to, at + 2, 2);
        d.field("Length", length, at + 4, 2);
        d.field("Checksum", hex(be16(b, at + 6), 4), at + 6, 2);
    }
    d.info = `${from} → ${to}, ${Math.max(0, length - 8)} bytes`;
    if (from === 53 || to === 53 || from === 5353 || to === 5353) dns(d, at + 8);
    else if (from === 67 || to === 67 || from === 68 || to === 68) dhcp(d, at + 8);
}

function tcpOptions(d, at, end) {
    const b = d.data;
    const texts = [];
    for (let o = at; o < end && b[o] !== 0;) {
        if (b[o] === 1) {
            o++;
            continue;
        }
        const length = b[o + 1];
        if (!(length >= 2) || o + length > end) break;
        if (b[o] === 2 && length === 4) texts.push(`MSS ${be16(b, o + 2)}`);
        else if (b[o] === 3 && length === 3) texts.push(`window scale ${b[o + 2]}`);
        else if (b[o] === 4) texts.push("SACK permitted");
        else if (b[o] === 5)
            for (let s = o + 2; s + 8 <= o + length; s += 8) texts.push(`SACK ${be32(b, s)}-${be32(b, s + 4)}`);
        else if (b[o] === 8 && length === 10) texts.push(`timestamps ${be32(b, o + 2)}, ${be32(b, o + 6)}`);
        else texts.push(`option ${b[o]}`);
        o += length;
    }
    if (texts.length && d.isFull) d.field("Options", texts.join("; "), at, end - at);
    return texts.some((text) => text.startsWith("SACK ") && !text.endsWith("permitted"));
}

function tcp(d, at, end) {
    const b = d.data;
    if (!d.has(at + 20)) return;
    const from = be16(b, at), to = be16(b, at + 2), seq = be32(b, at + 4), ack = be32(b, at + 8);
    const header = (b[at + 12] >> 4) * 4, flags = b[at + 13], window = be16(b, at + 14);
    const names = TCP_FLAG_NAMES[flags];
    const data = Math.max(0, end - at - header);
    const shownSeq = relative(seq, d.source, from, d.destination, to), shownAck = relative(ack, d.destination, to, d.source, from);
    const both = (shown, given) => (shown === given ? given : `${shown} (${given})`);
    d.layer("TCP", at);
    d.protocol = "TCP";
    d.ports = [from, to];
    d.tcp = { seq, ack, flags, data };
    if (d.isFull) {
        d.field("Source port", from, at, 2);
        d.field("Destination port", to, at + 2, 2);
        d.field("Sequence number", both(shownSeq, seq), at + 4, 4);
        d.field("Acknowledgement", flags & 16 ? both(shownAck, ack) : ack, at + 8, 4);
        d.field("Header", `${header} bytes`, at + 12, 1);
        d.field("Flags", `${hex(flags, 2)}: ${names}`, at + 13, 1);
        d.field("Window", window, at + 14, 2);
        d.field("Checksum", hex(be16(b, at + 16), 4), at + 16, 2);
    }
    const sack = tcpOptions(d, at + 20, Math.min(at + header, b.length));
    if (d.isFull) d.field("Data", `${data} bytes`, at + header, Math.max(0, Math.min(b.length, end) - at - header));
    d.info = `${from} → ${to} [${names}] seq ${shownSeq}${flags & 16 ? ` ack ${shownAck}` : ""} win ${window}` +
        `${data ? `, ${data} bytes` : ""}${sack ? ", SACK" : ""}`;
}

function icmp(d, at) {
    const b = d.data;
    if (!d.has(at + 8)) return;
    const type = b[at], code = b[at + 1];
    d.layer("ICMP", at);
    d.protocol = "ICMP";
    if (d.isFull) {
        d.field("Type", `${type}: ${ICMP[type] ?? "?"}`, at, 1);
        d.field("Code", type === 3 ? `${code}: ${UNREACHABLE[code] ?? "?"}` : code, at + 1, 1);
        d.field("Checksum", hex(be16(b, at + 2), 4), at + 2, 2);
    }
    d.info = ICMP[type] ?? `type ${type}`;
    if (type === 3) d.info = `${UNREACHABLE[code] ?? "destination"} unreachable`;
    if (type === 0 || type === 8) {
        d.echo = { request: type === 8, id: be16(b, at + 4), seq: be16(b, at + 6) };
        if (d.isFull) {
            d.field("Id", d.echo.id, at + 4, 2);
            d.field("Sequence number", d.echo.seq, at + 6, 2);
        }
        d.info += ` id ${d.echo.id} seq ${d.echo.seq}`;
    }
}

function icmpv6(d, at) {
    const b = d.data;
    if (!d.has(at + 4)) return;
    const type = b[at];
    d.layer("ICMPv6", at);
    d.protocol = "ICMPv6";
    if (d.isFull) {
        d.field("Type", `${type}: ${ICMPV6[type] ?? "?"}`, at, 1);
        d.field("Code", b[at + 1], at + 1, 1);
        d.field("Checksum", hex(be16(b, at + 2), 4), at + 2, 2);
    }
    d.info = ICMPV6[type] ?? `type ${type}`;
    if ((type === 128 || type === 129) && d.has(at + 8)) {
        d.echo = { request: type === 128, id: be16(b, at + 4), seq: be16(b, at + 6) };
        if (d.isFull) {
            d.field("Id", d.echo.id, at + 4, 2);
            d.field("Sequence number", d.echo.seq, at + 6, 2);
        }
        d.info += ` id ${d.echo.id} seq ${d.echo.seq}`;
    } else if ((type === 135 || type === 136) && d.has(at + 24)) {
        if (d.isFull) d.field("Target", ipv6(b, at + 8), at + 8, 16);
        d.info += ` ${ipv6(b, at + 8)}`;
    }
}

function transport(d, protocol, at, end) {
    d.protocol = IP_PROTOCOLS[protocol] ?? `IP ${protocol}`;
    d.info = `${d.protocol}, ${Math.max(0, end - at)} bytes`;
    if (protocol === 1) icmp(d, at);
    else if (protocol === 6) tcp(d, at, end);
    else if (protocol === 17) udp(d, at, end);
    else if (protocol === 58) icmpv6(d, at);
}

function internet4(d, at) {
    const b = d.data;
    if (!d.has(at + 20) || b[at] >> 4 !== 4) return;
    const header = (b[at] & 15) * 4, length = be16(b, at + 2), fragment = be16(b, at + 6);
    d.layer("IPv4", at);
    d.version = 4;
    d.protocol = "IPv4";
    d.source = ipv4(b, at + 12);
    d.destination = ipv4(b, at + 16);
    if (d.isFull) {
        d.field("Header", `${header} bytes`, at, 1);
        d.field("DSCP, ECN", `${b[at + 1] >> 2}, ${b[at + 1] & 3}`, at + 1, 1);
        d.field("Length", length, at + 2, 2);
        d.field("Id", hex(be16(b, at + 4), 4), at + 4, 2);
        d.field("Fragment", `${fragment & 0x4000 ? "may not; " : ""}${fragment & 0x2000 ? "more; " : ""}offset ${(fragment & 0x1fff) * 8}`, at + 6, 2);
        d.field("Time to live", b[at + 8], at + 8, 1);
        d.field("Protocol", `${b[at + 9]}: ${IP_PROTOCOLS[b[at + 9]] ?? "?"}`, at + 9, 1);
        d.field("Checksum", hex(be16(b, at + 10), 4), at + 10, 2);
        d.field("Source", d.source, at + 12, 4);
        d.field("Destination", d.destination, at + 16, 4);
    }
    if (fragment & 0x1fff) {
        d.protocol = IP_PROTOCOLS[b[at + 9]] ?? `IP ${b[at + 9]}`;
        d.info = `fragment at ${(fragment & 0x1fff) * 8} of ${hex(be16(b, at + 4), 4)}`;
    } else transport(d, b[at + 9], at + header, at + Math.max(length, header));
}

function internet6(d, at) {
    const b = d.data;
    if (!d.has(at + 40) || b[at] >> 4 !== 6) return;
    const length = be16(b, at + 4), end = at + 40 + length;
    d.layer("IPv6", at);
    d.version = 6;
    d.protocol = "IPv6";
    d.source = ipv6(b, at + 8);
    d.destination = ipv6(b, at + 24);
    if (d.isFull) {
        d.field("Flow label", hex(be32(b, at) & 0xfffff, 5), at + 1, 3);
        d.field("Payload", `${length} bytes`, at + 4, 2);
        d.field("Next header", `${b[at + 6]}: ${IP_PROTOCOLS[b[at + 6]] ?? "?"}`, at + 6, 1);
        d.field("Hop limit", b[at + 7], at + 7, 1);
        d.field("Source", d.source, at + 8, 16);
        d.field("Destination", d.destination, at + 24, 16);
    }
    let next = b[at + 6], place = at + 40;
    /* Hop-by-hop, routing and destination options: RFC 8200, section 4. */
    for (let i = 0; [0, 43, 60].includes(next) && i < 8 && d.has(place + 2); i++) {
        next = b[place];
        place += (b[place + 1] + 1) * 8;
    }
    transport(d, next, place, end);
}

function arp(d, at) {
    const b = d.data;
    if (!d.has(at + 28)) return;
    const operation = be16(b, at + 6), sender = ipv4(b, at + 14), target = ipv4(b, at + 24);
    d.layer("ARP", at);
    d.protocol = "ARP";
    if (d.isFull) {
        d.field("Operation", `${operation}: ${["", "request", "reply"][operation] ?? "?"}`, at + 6, 2);
        d.field("Sender MAC", mac(b, at + 8), at + 8, 6);
        d.field("Sender address", sender, at + 14, 4);
        d.field("Target MAC", mac(b, at + 18), at + 18, 6);
        d.field("Target address", target, at + 24, 4);
    }
    d.addresses = [sender, target];
    d.info = operation === 1 ? `who has ${target}? tell ${sender}` : `${sender} is at ${mac(b, at + 8)}`;
}

/**
 * @param data    the beginning of a frame, or all of it; null: unknown
 * @param isFull  with fields; without takes a third of the time
 */
export function decode(data, length, isFull = false) {
    const d = new Decoding(data ?? new Uint8Array(0), length, isFull), b = d.data;
    if (!data || !d.has(14)) {
        d.protocol = "?";
        d.info = `${length} bytes`;
        return d;
    }
    let at = 12, type = be16(b, 12);
    d.layer("Ethernet", 0);
    d.destination = mac(b, 0);
    d.source = mac(b, 6);
    if (d.isFull) {
        d.field("Destination", d.destination, 0, 6);
        d.field("Source", d.source, 6, 6);
    }
    while ((type === 0x8100 || type === 0x88a8) && d.has(at + 6)) {
        if (d.isFull) d.field("VLAN", be16(b, at + 2) & 0xfff, at, 4);
        at += 4;
        type = be16(b, at);
    }
    if (d.isFull) d.field("Type", `${hex(type, 4)}${ETHERTYPES[type] ? ": " + ETHERTYPES[type] : ""}`, at, 2);
    d.info = type < 1536 ? `LLC, ${type} bytes` : `type ${hex(type, 4)}, ${length} bytes`;
    if (type === 0x88b5) {
        d.protocol = "ttb";
        d.info = "a command of the scenario, or its result";
    }
    if (type === 0x0800) internet4(d, at + 2);
    else if (type === 0x86dd) internet6(d, at + 2);
    else if (type === 0x0806) arp(d, at + 2);
    return d;
}
