// The tiles, and three small charts of the last five minutes.

import {byId, decimal, duration, make, makeSvg, number, serverNow, setText} from './dom.js';

const SPAN_MS = 300000;
const GAP_MS = 5000; // no figure for so long is a gap in the line
const WIDTH = 300, HEIGHT = 64, TOP = 4;
const TOLD_MS = 10000; // how often a chart's text alternative changes
const LATENCY_WINDOW_MS = 10000;
const JOBS_MAX = 20000;

// ---- Charts ----

function makeChart(id, unit, format) {
    const figure = byId(id);
    const name = figure.querySelector('figcaption').textContent;
    const svg = makeSvg('svg', {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img',
        'aria-label': `${name}: no figures yet`});
    const area = makeSvg('path', {class: 'area'});
    const line = makeSvg('path', {class: 'line'});
    const [now, most] = [make('strong', {class: 'now'}, '–'), make('span', {class: 'most'})];
    svg.append(makeSvg('path', {class: 'base', d: `M0 ${HEIGHT - .5}H${WIDTH}`}), area, line);
    figure.append(make('p', {class: 'figures', 'aria-hidden': 'true'}, now, most), svg,
        make('p', {class: 'axis', 'aria-hidden': 'true'}, make('span', {}, '5 min ago'), make('span', {}, 'now')));
    let points = [];
    let toldAt = -TOLD_MS;

    function draw(at, highest) {
        const x = (point) => (WIDTH * (1 - (at - point.at) / SPAN_MS)).toFixed(1);
        const y = (point) => (HEIGHT - 1 - (HEIGHT - TOP - 1) * point.value / (highest || 1)).toFixed(1);
        const [stroke, fill] = [[], []];
        let last = null;
        for (const point of points) {
            const isJoined = last !== null && point.at - last.at < GAP_MS;
            fill.push(isJoined ? `L${x(point)} ${y(point)}`
                : `${last ? `L${x(last)} ${HEIGHT}` : ''}M${x(point)} ${HEIGHT}L${x(point)} ${y(point)}`);
            stroke.push(isJoined ? `L${x(point)} ${y(point)}` : `M${x(point)} ${y(point)}h.01`);
            last = point;
        }
        line.setAttribute('d', stroke.join(''));
        area.setAttribute('d', last ? `${fill.join('')}L${x(last)} ${HEIGHT}` : '');
    }

    // value null: nothing to show for this moment.
    return (at, value) => {
        points = points.filter((point) => point.at > at - SPAN_MS && point.at < at);
        if (value !== null) {
            points.push({at, value});
        }
        const highest = Math.max(0, ...points.map((point) => point.value));
        const current = value === null ? '–' : format(value) + unit;
        setText(now, current);
        setText(most, points.length > 0 ? `most ${format(highest)}${unit}` : '');
        draw(at, highest);
        if (performance.now() - toldAt >= TOLD_MS) {
            toldAt = performance.now();
            svg.setAttribute('aria-label', points.length === 0 ? `${name}: no figures yet`
                : `${name}, last 5 minutes: now ${value === null ? 'none' : current}, most ${format(highest)}${unit}`);
        }
    };
}

const showThroughput = makeChart('chart-throughput', '/s', decimal);
const showDepth = makeChart('chart-depth', '', number);
const showLatency = makeChart('chart-latency', '', duration);

// ---- Latency, from the events of jobs that this page has seen from their beginning ----

const begun = new Map(); // job -> ms when it was enqueued
let ended = []; // {at, ms}

export function noteChange(change) {
    const at = Date.parse(change.at);
    if (change.event !== 'state' || Number.isNaN(at)) {
        return;
    }
    if (change.state === 'WORKING') {
        if (change.phase === 'queued' && !begun.has(change.job)) {
            begun.set(change.job, at);
            if (begun.size > JOBS_MAX) {
                begun.delete(begun.keys().next().value);
            }
        }
    } else if (begun.has(change.job)) {
        ended.push({at, ms: at - begun.get(change.job)});
        begun.delete(change.job);
        ended = ended.slice(-JOBS_MAX);
    }
}

function medianLatency(at) {
    ended = ended.filter((job) => job.at > at - LATENCY_WINDOW_MS);
    const sorted = ended.map((job) => job.ms).sort((a, b) => a - b);
    return sorted.length > 0 ? sorted[Math.floor((sorted.length - 1) / 2)] : null;
}

// ---- Tiles ----

function showTile(name, text, more, mood = '') {
    const node = byId(`tile-${name}`);
    setText(node, text);
    node.parentElement.dataset.mood = mood;
    if (more !== undefined) {
        setText(byId(`tile-${name}-more`), more);
    }
}

let before = null; // the overview before this one

export function showOverview(overview) {
    const {queue, totals} = overview;
    // One script has read all three in one step, so what is active and neither waits nor is delayed runs.
    const running = Math.max(0, queue.active - queue.length - queue.delayed);
    showTile('waiting', number(queue.length));
    showTile('oldest', duration(queue.oldest_age_ms ?? undefined), undefined, queue.oldest_age_ms > 60000 ? 'warn' : '');
    showTile('delayed', number(queue.delayed), queue.next_due_ms === null ? 'none is due'
        : queue.next_due_ms === 0 ? 'next is due' : `next in ${duration(queue.next_due_ms)}`);
    showTile('running', number(running), `of ${number(queue.active)} active`);
    showTile('workers', number(overview.workers), overview.workers > 0 ? 'registered' : 'nothing can run',
        overview.workers > 0 ? '' : 'bad');
    showTile('dead', number(queue.dead), 'jobs remembered', queue.dead > 0 ? 'warn' : '');
    showTile('finished', number(totals.finished));
    showTile('failed', number(totals.failed), `in total, ${number(totals.aborted)} aborted`);

    const at = Date.parse(overview.at);
    const ms = before ? at - Date.parse(before.at) : 0;
    const count = (document) => document.totals.finished + document.totals.failed;
    if (before && ms > 0) {
        showThroughput(at, ms < GAP_MS ? Math.max(0, count(overview) - count(before)) * 1000 / ms : null);
    }
    showDepth(at, queue.length);
    showLatency(at, medianLatency(serverNow()));
    before = overview;
}
