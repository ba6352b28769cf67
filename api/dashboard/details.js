// One account in a panel at the side: its job, what came of each webhook, the plan, the history.
// #account=NAME opens it, so it can be linked to.

import {byId, cell, duration, icon, make, number, progressBar, setProgress, setState, setText, stateBadge, timeNode}
    from './dom.js';
import {read} from './server.js';
import {abort, actButton, execute, hush, setUseful} from './acts.js';
import {applyChange, showWhen, shownRow} from './accounts.js';

const SHOWN_STEP = 200; // webhooks shown at first, and more at each press
const PLAN_LIMIT_MS = 45000;
const READ_LEAST_MS = 500;
const NO_JOB = 'No job of this account is remembered.';
const OUTCOMES = {failed: 'failed', drifted: 'warning', pending: 'waiting'};

const panel = byId('details');
let open = null; // what the open panel is about: {account, row, parts, controller}

const path = (what, account) => `ops/${what}?account=${encodeURIComponent(account)}`;
const quiet = (text) => make('p', {class: 'quiet-text'}, text);
const fault = (text) => make('p', {class: 'notice'}, text);

// ---- Lists that may be long ----

function longList(items, makeItem, container) {
    const nodes = items.slice(0, SHOWN_STEP).map(makeItem);
    container.append(...nodes);
    if (items.length <= SHOWN_STEP) {
        return [container];
    }
    let shown = SHOWN_STEP;
    const left = () => `Show more (${number(items.length - shown)} left)`;
    const more = make('button', {type: 'button'}, left());
    more.addEventListener('click', () => {
        container.append(...items.slice(shown, shown + SHOWN_STEP).map(makeItem));
        shown += SHOWN_STEP;
        setText(more, left());
        more.hidden = shown >= items.length;
    });
    return [container, more];
}

// ---- Webhooks of a report ----

function webhookItem(webhook) {
    const {event_type, target_url, outcome, status, error} = webhook;
    return make('li', {class: 'webhook', 'data-outcome': outcome},
        make('span', {class: 'outcome'}, icon(OUTCOMES[outcome] || 'finished'), outcome,
            status ? make('span', {class: 'status'}, ` HTTP ${status}`) : null),
        make('span', {class: 'event'}, event_type), make('span', {class: 'url'}, target_url),
        error ? make('span', {class: 'why'}, error) : null);
}

const rank = ({outcome}) => ['failed', 'drifted', 'pending'].indexOf(outcome) >>> 0;
const failedFirst = (webhooks) => [...webhooks].sort((a, b) => rank(a) - rank(b));

function countsText(counts) {
    const told = Object.entries(counts || {}).filter(([, count]) => count > 0);
    return told.map(([name, count]) => `${number(count)} ${name}`).join(', ') || 'nothing yet';
}

function warningItems(warnings) {
    return warnings.map(({event_type, target_url, warning, detail}) => make('li', {class: 'change', 'data-sign': '!'},
        make('span', {class: 'sign', 'aria-hidden': 'true'}, '!'),
        make('span', {}, make('b', {}, `warning ${warning}`), ' ', event_type || '', ' ',
            make('span', {class: 'url'}, target_url || ''), detail ? make('span', {class: 'why'}, detail) : null)));
}

function showWebhooks(report) {
    const {webhooks = [], warnings = []} = report;
    const lists = [];
    if (webhooks.length > 0) {
        lists.push(...longList(failedFirst(webhooks), webhookItem, make('ul', {class: 'webhooks'})));
    }
    if (warnings.length > 0) {
        const list = make('ul', {class: 'changes'}, ...warningItems(warnings.slice(0, SHOWN_STEP)));
        lists.splice(webhooks.some(({outcome}) => outcome === 'failed') ? 1 : 0, 0, list);
    }
    byId('details-webhooks').replaceChildren(quiet(countsText(report.counts)), ...lists);
}

// ---- The job ----

function makeParts(account) {
    const executes = actButton('Execute', 'execute', account, () => execute(account));
    const aborts = actButton('Abort', 'abort', account, () => abort(account));
    byId('details-actions').replaceChildren(executes, aborts);
    const parts = {aborts, badge: stateBadge('READY'), bar: progressBar(`Progress of ${account}, in the panel`),
        when: timeNode(null), facts: make('dl', {class: 'facts'})};
    byId('details-status').replaceChildren(make('p', {class: 'job-line'}, parts.badge, parts.bar, parts.when), parts.facts);
    return parts;
}

function showRow({row, parts}) {
    setState(parts.badge, row.state, row.phase);
    setProgress(parts.bar, row);
    showWhen(parts.when, row);
    setUseful(parts.aborts, row.state === 'WORKING');
}

function took({started_at, finished_at}) {
    const ms = Date.parse(finished_at) - Date.parse(started_at);
    return ms >= 0 ? `took ${duration(ms)}` : null;
}

function showReport(report) {
    Object.assign(open.row, report);
    showRow(open);
    const facts = [
        ['Error', report.error && make('span', {class: 'why'}, report.error)],
        ['Attempt', report.attempt > 0 && `${report.attempt} of ${report.attempts}`],
        ['Run', report.started_at && make('span', {}, timeNode(report.started_at, 'begun'), took(report) ? `, ${took(report)}` : '')],
        ['One more run', report.rerun && 'booked: it starts when this one ends'],
        ['Worker', report.worker], ['Job', make('code', {}, report.job || '–')],
        ['Settings', report.settings && make('code', {}, report.settings)]];
    open.parts.facts.replaceChildren(...facts.filter(([, value]) => value)
        .map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))));
    showWebhooks(report);
}

async function readReport() {
    const mine = open;
    if (mine.row.job === null) { // the table says so: there is no report to ask for
        byId('details-webhooks').replaceChildren(quiet(NO_JOB));
        return;
    }
    try {
        const report = await read(path('report', mine.account), {controller: mine.controller});
        if (mine === open) {
            showReport(report);
        }
    } catch (error) {
        if (mine !== open) {
            return;
        }
        byId('details-webhooks').replaceChildren(error.status === 404
            ? quiet(NO_JOB) : fault(error.message));
    }
}

// ---- History ----

function historyItem(report) {
    const webhooks = failedFirst(report.webhooks || []).filter((webhook) => webhook.outcome === 'failed');
    const line = [stateBadge(report.state), timeNode(report.finished_at || report.enqueued_at),
        make('span', {class: 'quiet-text'}, [countsText(report.counts), took(report)].filter(Boolean).join(', '))];
    const error = report.error ? make('p', {class: 'why'}, report.error) : null;
    if (webhooks.length === 0) {
        return make('li', {}, make('div', {class: 'job-line'}, ...line), error);
    }
    return make('li', {}, make('details', {}, make('summary', {class: 'job-line'}, ...line),
        make('ul', {class: 'webhooks'}, ...webhooks.slice(0, SHOWN_STEP).map(webhookItem))), error);
}

async function readHistory() {
    const mine = open;
    try {
        const {reports} = await read(path('history', mine.account), {controller: mine.controller});
        if (mine === open) {
            byId('details-history').replaceChildren(reports.length === 0 ? quiet('No job has ended yet.')
                : make('ol', {class: 'history'}, ...reports.map(historyItem)));
        }
    } catch (error) {
        if (mine === open) {
            byId('details-history').replaceChildren(fault(error.message));
        }
    }
}

// ---- The plan, shown as a difference ----

const SIGNS = {create: '+', reactivate: '~', update: '~', drifted: '!'};

function planItem({event_type, target_url, action, fields}) {
    const sign = SIGNS[action];
    return make('li', {class: 'change', 'data-sign': sign},
        make('span', {class: 'sign', 'aria-hidden': 'true'}, sign),
        make('span', {}, make('b', {}, action), ' ', event_type, ' ', make('span', {class: 'url'}, target_url),
            fields?.length > 0 ? make('span', {class: 'why'}, `differs in ${fields.join(', ')}`) : null));
}

// The list below is not read out, only this line.
function sayPlan(...words) {
    byId('plan-summary').replaceChildren(...words);
    byId('details-plan').replaceChildren();
}

function showPlan(plan) {
    const changes = plan.webhooks.filter(({action}) => action in SIGNS);
    const told = Object.entries(plan.counts).filter(([, count]) => count > 0).map(([name, count]) => `${number(count)} ${name}`);
    const words = plan.required ? 'Execute is required' : 'Nothing to do';
    const warnings = warningItems(plan.warnings.slice(0, SHOWN_STEP));
    sayPlan(make('strong', {}, words), `: ${told.join(', ') || 'no webhooks'}.`);
    byId('details-plan').replaceChildren(...longList(changes, planItem, make('ul', {class: 'changes'}, ...warnings)));
}

async function askPlan() {
    const mine = open;
    const button = byId('plan-ask');
    button.setAttribute('aria-disabled', 'true');
    sayPlan('Asking Omnitron …');
    try {
        const plan = await read(path('plan', mine.account), {controller: mine.controller, limitMs: PLAN_LIMIT_MS});
        if (mine === open) {
            showPlan(plan);
        }
    } catch (error) {
        if (mine === open) {
            sayPlan('Omnitron could not tell.');
            byId('details-plan').replaceChildren(fault(error.message));
        }
    }
    if (mine === open) {
        button.setAttribute('aria-disabled', 'false');
    }
}

// ---- Opening and closing ----

function show(account) {
    open?.controller.abort(null);
    hush();
    setText(byId('details-heading'), account);
    byId('plan-ask').setAttribute('aria-disabled', 'false');
    sayPlan('What execute would do now.');
    byId('details-webhooks').replaceChildren(quiet('Reading …'));
    byId('details-history').replaceChildren(quiet('Reading …'));
    const known = shownRow(account);
    const row = {account, state: 'READY', phase: null, done: 0, total: 0, ...known};
    open = {account, row, parts: makeParts(account), controller: new AbortController()};
    showRow(open);
    if (!panel.open) {
        panel.showModal();
    }
    panel.querySelector('.side-body').scrollTop = 0;
    readReport();
    readHistory();
}

function followHash() {
    const account = new URLSearchParams(location.hash.slice(1)).get('account');
    if (account && account !== open?.account) {
        show(account);
    } else if (!account && panel.open) {
        panel.close();
    }
}

panel.addEventListener('close', () => {
    open?.controller.abort(null);
    open = null;
    hush();
    if (location.hash.startsWith('#account=')) {
        history.replaceState(null, '', location.pathname + location.search);
    }
});
// A press on the backdrop closes, as it does everywhere.
panel.addEventListener('pointerdown', (event) => event.target === panel && panel.close());
byId('details-close').addEventListener('click', () => panel.close());
byId('plan-ask').addEventListener('click', () => byId('plan-ask').getAttribute('aria-disabled') !== 'true' && askPlan());
addEventListener('hashchange', followHash);

// ---- Keeping up to date ----

export function refreshDetails() {
    if (open) {
        delete open.row.job; // events may have been missed
        readReport();
        readHistory();
    }
}

export function changeDetails(change) {
    const mine = open;
    if (mine?.account !== change.account) {
        return;
    }
    applyChange(mine.row, change);
    showRow(mine);
    mine.hasEnded ||= change.state !== 'WORKING';
    mine.timer ??= setTimeout(() => {
        mine.timer = null;
        if (mine === open) {
            readReport();
            if (mine.hasEnded) {
                mine.hasEnded = false;
                readHistory();
            }
        }
    }, READ_LEAST_MS);
}

export const openFromAddress = followHash;
