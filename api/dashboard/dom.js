// Elements, and figures and times as people read them. Text from the server becomes text nodes only.

const SVG = 'http://www.w3.org/2000/svg';

export const byId = (id) => document.getElementById(id);

// make('td', {class: 'number'}, child or text, ...): null and undefined children are left out.
export function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
}

export function makeSvg(tag, attributes = {}) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) {
        node.setAttribute(name, value);
    }
    return node;
}

export function icon(name) {
    const node = makeSvg('svg', {class: 'icon', 'aria-hidden': 'true'});
    node.append(makeSvg('use', {href: `#icon-${name}`}));
    return node;
}

// Writes only what differs: screen readers and the layout are left in peace.
export function setText(node, text) {
    if (node.textContent !== text) {
        node.textContent = text;
    }
}

// A cell of a table that becomes cards on a phone; label is shown there.
export function cell(label, attributes = {}, ...children) {
    return make('td', {role: 'cell', 'data-label': label, ...attributes}, ...children);
}

// ---- The state of a job: a word, a colour and an icon ----

const ICONS = {READY: 'ready', WORKING: 'working', FINISHED: 'finished', FAILED: 'failed', ABORTED: 'aborted'};

export function stateBadge(state, phase) {
    const node = make('span', {class: 'state'});
    setState(node, state, phase);
    return node;
}

export function setState(node, state, phase) {
    const shown = `${state} ${phase || ''}`;
    if (node.dataset.shown === shown) {
        return;
    }
    node.dataset.shown = shown;
    node.dataset.state = state;
    const isWaiting = phase === 'queued' || phase === 'retrying';
    node.replaceChildren(icon(isWaiting ? 'waiting' : ICONS[state] || 'ready'),
        make('span', {}, state), ...(phase ? [' ', make('span', {class: 'phase'}, phase)] : []));
}

// ---- Progress ----

export function progressBar(label) {
    const bar = make('progress', {'aria-label': label, max: 1});
    const node = make('span', {class: 'progress'}, bar, make('span', {class: 'progress-text'}));
    return node;
}

export function setProgress(node, row) {
    const [bar, text] = node.children;
    const isRunning = row.state === 'WORKING' && row.phase === 'running';
    const hasFigures = row.total > 0;
    bar.hidden = !hasFigures && !isRunning;
    bar.dataset.state = row.state;
    if (hasFigures) {
        bar.max = row.total;
        bar.value = row.done;
    } else {
        bar.removeAttribute('value'); // busy, nobody knows how far
    }
    setText(text, hasFigures ? `${number(row.done)} / ${number(row.total)}` : isRunning ? 'starting' : '–');
}

// ---- Figures and times ----

const figures = new Intl.NumberFormat('en');
const decimals = new Intl.NumberFormat('en', {maximumFractionDigits: 1});

export function number(value) {
    return typeof value === 'number' ? figures.format(value) : '–';
}

export function decimal(value) {
    return value >= 100 ? figures.format(Math.round(value)) : decimals.format(value);
}

export function duration(ms) {
    if (typeof ms !== 'number' || Number.isNaN(ms)) {
        return '–';
    }
    const s = ms / 1000;
    if (ms < 1000) {
        return `${Math.round(ms)} ms`;
    }
    if (s < 10) {
        return `${s.toFixed(1)} s`;
    }
    return wholeDuration(s);
}

function wholeDuration(s) {
    const units = [[86400, 'd'], [3600, 'h'], [60, 'min']];
    const [size, name] = units.find(([size]) => s >= size) || [1, 's'];
    return `${Math.floor(s / size)} ${name}`;
}

// The server's clock tells what is ago; that of the operator's machine may be wrong.
let clockAheadMs = 0;

export function setServerTime(iso) {
    const at = Date.parse(iso);
    clockAheadMs = Number.isNaN(at) ? clockAheadMs : Date.now() - at;
}

export const serverNow = () => Date.now() - clockAheadMs;

export function timeNode(iso, before = '') {
    const node = make('time');
    setTime(node, iso, before);
    return node;
}

// before: a word in front, as "next".
export function setTime(node, iso, before = '') {
    node.dataset.before = before;
    if (node.dateTime !== (iso || '')) {
        node.dateTime = iso || '';
        node.title = iso ? `${new Date(iso).toLocaleString()} (${iso})` : '';
    }
    tellTime(node);
}

function tellTime(node) {
    const at = Date.parse(node.dateTime);
    if (Number.isNaN(at)) {
        setText(node, '–');
        return;
    }
    const s = (serverNow() - at) / 1000;
    const text = Math.abs(s) < 1 ? 'now' : s > 0 ? `${wholeDuration(s)} ago` : `in ${wholeDuration(-s)}`;
    setText(node, `${node.dataset.before} ${text}`.trim());
}

// To be called once a second: what was "3 s ago" is "4 s ago".
export function tellTimes() {
    document.querySelectorAll('time').forEach(tellTime);
}
