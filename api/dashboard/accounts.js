// The table of accounts: a page of at most 50 rows, kept up to date by the change events.

import {byId, cell, make, number, progressBar, setProgress, setState, setText, setTime, stateBadge, timeNode}
    from './dom.js';
import {read} from './server.js';
import {abort, actButton, execute, setUseful} from './acts.js';
import {pagedList, rowKeeper} from './table.js';

const PAGE = 50;
const SEARCH_PAUSE_MS = 200;
const EMPTY_PARTS_MAX = 20;

const search = byId('accounts-search');
let view = 'all';

// What an event says about an account, put into its row.
export function applyChange(row, change) {
    if (row.job !== change.job) {
        Object.assign(row, {attempt: 0, done: 0, total: 0, failed: 0, error: null, finished_at: null,
            next_attempt_at: null, enqueued_at: change.at});
    }
    Object.assign(row, {job: change.job, state: change.state, phase: change.phase || null});
    if (change.event === 'progress') {
        Object.assign(row, {done: change.done, total: change.total});
    } else if (change.state !== 'WORKING') {
        row.finished_at = change.at;
        row.done = change.state === 'FINISHED' ? row.total : row.done;
    }
}

export function showWhen(node, row) {
    const isAhead = row.phase === 'retrying' && row.next_attempt_at;
    if (row.finished_at) {
        setTime(node, row.finished_at);
    } else if (isAhead) {
        setTime(node, row.next_attempt_at, 'next');
    } else {
        setTime(node, row.enqueued_at, row.enqueued_at ? 'enqueued' : '');
    }
}

function makeRow({account}) {
    const name = make('th', {role: 'rowheader', scope: 'row', class: 'name'}, account);
    const badge = stateBadge('READY');
    const bar = progressBar(`Progress of ${account}`);
    const attempt = cell('Attempt', {class: 'number'});
    const error = make('span', {class: 'clip'});
    const when = timeNode(null);
    const [errorCell, whenCell] = [cell('Last error', {class: 'error'}, error), cell('When', {}, when)];
    const details = make('button', {type: 'button', 'aria-label': `Details of ${account}`, 'aria-haspopup': 'dialog'},
        'Details');
    details.addEventListener('click', () => {
        location.hash = hashOf(account);
    });
    const executes = actButton('Execute', 'execute', account, () => execute(account));
    const aborts = actButton('Abort', 'abort', account, () => abort(account));
    const node = make('tr', {role: 'row', 'data-account': account}, name, cell('State', {}, badge),
        cell('Progress', {}, bar), attempt, errorCell, whenCell,
        cell('', {class: 'actions'}, details, executes, aborts));
    let row = null;
    let changedAt = 0;

    function show() {
        node.dataset.state = row.state;
        setState(badge, row.state, row.phase);
        setProgress(bar, row);
        setText(attempt, row.attempt > 0 ? number(row.attempt) : '–');
        setText(error, row.error || '–');
        error.title = row.error || '';
        showWhen(when, row);
        setUseful(aborts, row.state === 'WORKING');
        attempt.dataset.empty = row.attempt === 0; // cards do without
        errorCell.dataset.empty = !row.error;
        whenCell.dataset.empty = !row.enqueued_at;
    }
    return {
        node,
        row: () => row,
        // What an event has told since the read began is newer than what was read.
        update(item, startedAt) {
            const {state, phase, job, done, total, finished_at} = row || item;
            row = changedAt > startedAt ? {...item, state, phase, job, done, total, finished_at} : item;
            show();
        },
        change(event) {
            changedAt = performance.now();
            applyChange(row, event);
            show();
        },
    };
}

const rows = rowKeeper(byId('accounts-rows'), (item) => item.account, makeRow);

// The row of an account that the page shows now, else undefined.
export const shownRow = (account) => rows.get(account)?.row();

export const hashOf = (account) => `#account=${encodeURIComponent(account)}`;

function query(cursor) {
    const parameters = new URLSearchParams({view, limit: PAGE});
    const text = search.value.trim().toLowerCase();
    if (text !== '') {
        parameters.set('search', text);
    }
    if (cursor !== null) {
        parameters.set('after', cursor);
    }
    return `ops/accounts?${parameters}`;
}

function show(document, startedAt) {
    rows.show(document.accounts, startedAt);
    const isEmpty = document.accounts.length === 0;
    byId('accounts-empty').hidden = !isEmpty;
    setText(byId('accounts-empty'), search.value.trim() ? `No account's name contains “${search.value.trim()}”.`
        : view === 'active' ? 'No account has a job under way.' : 'No account is configured.');
    return document.accounts.length;
}

// A page of those that are active. Redis gives them in parts of any size, from none to some hundreds, so a
// cursor is a part of Redis's and a place in it.
async function readActive(cursor, controller) {
    let {after, first} = cursor ?? {after: null, first: 0};
    for (let parts = 0; ; parts++) {
        const part = await read(query(after), {controller});
        const shown = part.accounts.slice(first, first + PAGE);
        if (first + PAGE < part.accounts.length) {
            return {...part, accounts: shown, next: {after, first: first + PAGE}};
        }
        const next = part.next === null ? null : {after: part.next, first: 0};
        if (shown.length > 0 || next === null || parts === EMPTY_PARTS_MAX) {
            return {...part, accounts: shown, next};
        }
        ({after, first} = next);
    }
}

export const accounts = pagedList({
    name: 'accounts',
    read: (cursor, controller) => (view === 'active' ? readActive(cursor, controller) : read(query(cursor), {controller})),
    show,
    words: (first, count, total) => (view === 'active' ? `${number(count)} here, ${number(total)} active`
        : `${number(first + 1)}–${number(first + count)} of ${number(total)}`),
});

export function changeAccount(change) {
    rows.get(change.account)?.change(change);
    // An event does not tell the attempt, the error, or who is active now.
    if (change.event === 'state' && (view === 'active' || rows.get(change.account))) {
        accounts.loadSoon();
    }
}

// ---- Controls ----

let timer = null;
search.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
        await accounts.first();
        setText(byId('accounts-found'), `${byId('accounts-count').textContent} found`);
    }, SEARCH_PAUSE_MS);
});

function choose(chosen) {
    view = chosen;
    byId('view-all').setAttribute('aria-pressed', String(view === 'all'));
    byId('view-active').setAttribute('aria-pressed', String(view === 'active'));
    search.disabled = view === 'active'; // the server searches the configured names
    search.value = view === 'active' ? '' : search.value;
    accounts.first();
}

byId('view-all').addEventListener('click', () => choose('all'));
byId('view-active').addEventListener('click', () => choose('active'));
