// The dead jobs and the workers.

import {byId, cell, make, number, setText, setTime, timeNode} from './dom.js';
import {read} from './server.js';
import {act, actButton, confirmed} from './acts.js';
import {hashOf} from './accounts.js';
import {pagedList, rowKeeper} from './table.js';

const PAGE = 50;

// ---- Dead jobs ----

const shortJob = (id) => id.slice(0, 12);

function deadActions({id, account}) {
    if (!id) {
        return []; // a foreign element: nobody knows what it is
    }
    const retry = actButton('Retry', 'retry', `${account}, job ${shortJob(id)}`, async () => {
        await act('retry', {job: id, account}, `${account}: a new job is enqueued, the dead one is forgotten.`);
        dead.load();
    });
    const drop = actButton('Drop', 'drop', `${account}, job ${shortJob(id)}`, async () => {
        if (await confirmed(`Job ${shortJob(id)} of ${account || 'nobody'} will be forgotten. It will not run again.`)) {
            await act('drop', {job: id}, `Job ${shortJob(id)} is forgotten.`);
            dead.load();
        }
    });
    return account ? [retry, drop] : [drop];
}

function makeDead(entry) {
    const when = timeNode(entry.failed_at);
    const node = make('tr', {role: 'row', 'data-job': entry.id || ''},
        make('th', {role: 'rowheader', scope: 'row', class: 'name'},
            entry.account ? make('a', {href: hashOf(entry.account)}, entry.account) : '–',
            entry.id ? make('code', {class: 'job', title: entry.id}, shortJob(entry.id)) : null),
        cell('Reason', {class: 'error'}, make('span', {}, entry.error || 'An element that is no job'),
            entry.element ? make('code', {class: 'element'}, entry.element) : null),
        cell('Attempts', {class: 'number'}, entry.attempts === undefined ? '–' : number(entry.attempts)),
        cell('When', {}, when), cell('', {class: 'actions'}, ...deadActions(entry)));
    return {node, update() {}};
}

// The same job may be there twice, and a foreign element has no id: the place tells them apart.
function keyed(entries) {
    const seen = new Map();
    return entries.map((entry) => {
        const key = JSON.stringify([entry.id, entry.account, entry.failed_at, entry.element]);
        seen.set(key, (seen.get(key) || 0) + 1);
        return {...entry, key: `${key} ${seen.get(key)}`};
    });
}

const deadRows = rowKeeper(byId('dead-rows'), (entry) => entry.key, makeDead);

export const dead = pagedList({
    name: 'dead',
    read(cursor, controller) {
        const parameters = new URLSearchParams({limit: PAGE, ...(cursor === null ? {} : {after: cursor})});
        return read(`ops/dead?${parameters}`, {controller});
    },
    show(document) {
        deadRows.show(keyed(document.dead));
        byId('dead-empty').hidden = document.dead.length > 0;
        return document.dead.length;
    },
});

// ---- Workers: a thousand at most, read as a whole and shown 50 at a time ----

function makeWorker({worker}) {
    const bar = make('progress', {'aria-label': `Load of ${worker}`});
    const load = make('span', {class: 'progress-text'});
    const [done, failed] = ['Done', 'Failed'].map((label) => cell(label, {class: 'number'}));
    const [lease, version] = [cell('Lease'), cell('Version')];
    const started = timeNode(null);
    const node = make('tr', {role: 'row', 'data-worker': worker},
        make('th', {role: 'rowheader', scope: 'row', class: 'name'}, worker),
        cell('Load', {}, make('span', {class: 'progress'}, bar, load)), done, failed, lease,
        cell('Started', {}, started), version);
    return {
        node,
        update(row) {
            bar.max = Math.max(1, row.concurrency);
            bar.value = Math.min(row.held, bar.max);
            setText(load, `${number(row.held)} / ${number(row.concurrency)}`);
            setText(done, number(row.done));
            setText(failed, number(row.failed));
            setText(lease, row.lease_ms > 0 ? `${Math.ceil(row.lease_ms / 1000)} s left` : 'run out');
            lease.dataset.mood = row.lease_ms > 0 ? '' : 'bad';
            setTime(started, row.started_at);
            setText(version, row.version || '–');
        },
    };
}

const workerRows = rowKeeper(byId('workers-rows'), (row) => row.worker, makeWorker);

export const workers = pagedList({
    name: 'workers',
    async read(cursor, controller) {
        const document = await read('ops/workers', {controller});
        const first = cursor ?? 0;
        const end = first + PAGE;
        return {...document, workers: document.workers.slice(first, end),
            next: end < document.workers.length ? end : null};
    },
    show(document) {
        workerRows.show(document.workers);
        byId('workers-empty').hidden = document.workers.length > 0;
        return document.workers.length;
    },
});
