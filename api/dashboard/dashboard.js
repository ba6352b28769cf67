// The page's conductor: the connection, the operator key, and who hears of which event.

import {byId, icon, make, setServerTime, setText, tellTimes} from './dom.js';
import {hasKey, isKeyShaped, keepKey, read} from './server.js';
import {follow} from './stream.js';
import {say, setRights} from './acts.js';
import {noteChange, showOverview} from './overview.js';
import {accounts, changeAccount} from './accounts.js';
import {dead, workers} from './lists.js';
import {changeDetails, openFromAddress, refreshDetails} from './details.js';

const FLUSH_MS = 50;
const WORKERS_MS = 5000;

const lists = [accounts, dead, workers];

// ---- The connection, as the header tells it ----

const CONNECTIONS = {live: 'live', connecting: 'waiting', reconnecting: 'waiting', paused: 'waiting', away: 'warning',
    refused: 'key'};

let isLive = false;
let overview = null; // the last one

function showConnection(state, text) {
    const node = byId('connection');
    if (node.dataset.state !== state || node.textContent !== text) {
        node.dataset.state = state;
        node.replaceChildren(icon(CONNECTIONS[state]), make('span', {}, text));
    }
    isLive = state === 'live';
    if (!isLive) {
        rest();
    }
    document.body.dataset.stale = String(!isLive);
    const mayBeOld = !isLive && state !== 'paused' && overview !== null;
    byId('overview-notice').hidden = !mayBeOld;
    if (mayBeOld) {
        setText(byId('overview-notice'), `What is shown is of ${new Date(overview.at).toLocaleTimeString()}, and may have changed.`);
    }
}

// ---- The session: who we are to the server ----

let session = null;

function showSession(next) {
    session = next;
    setText(byId('namespace'), next.namespace);
    setText(byId('version'), next.version);
    document.title = next.namespace === 'omnihook' ? 'omnihook' : `${next.namespace} – omnihook`;
    showRights();
}

function showRights() {
    const canAct = session?.can_act === true;
    setRights(canAct);
    setText(byId('key-state'), canAct ? 'May act' : 'Read only');
    byId('key-button').dataset.may = canAct ? 'act' : 'read';
    setText(byId('key-rights'), canAct ? 'This page may act: execute, abort, retry and drop.'
        : session?.keys_configured === false ? 'Read only. No operator keys are configured (OMNIHOOK_OPERATOR_KEYS).'
            : 'Read only. With a key, this page may execute, abort, retry and drop.');
    byId('key-forget').hidden = !hasKey();
}

// From now on without a key.
function goOnWithoutKey() {
    session = session && {...session, can_act: false};
    showRights();
    restart();
}

// ---- The operator key's dialog ----

const keyDialog = byId('key-dialog');

function openKeyDialog() {
    byId('key-input').value = '';
    setText(byId('key-fault'), '');
    showRights();
    if (!keyDialog.open) {
        keyDialog.showModal();
        byId('key-input').focus();
    }
}

async function tryKey(text) {
    if (!isKeyShaped(text)) {
        setText(byId('key-fault'), text === '' ? 'Paste a key first.' : 'A key has no blanks, and ASCII characters only.');
        return;
    }
    try {
        const next = await read('ops/session', {withKey: text});
        keepKey(text);
        showSession(next);
        keyDialog.close();
        say('done', next.can_act ? 'The key is good: this page may act.' : 'The key is good to read.');
        restart();
    } catch (error) {
        setText(byId('key-fault'), error.status === 401 ? `The key is refused: ${error.message}` : error.message);
        byId('key-input').select();
    }
}

byId('key-button').addEventListener('click', openKeyDialog);
byId('key-cancel').addEventListener('click', () => keyDialog.close());
byId('key-forget').addEventListener('click', () => {
    keepKey(null);
    keyDialog.close();
    say('done', 'The key is forgotten: read only.');
    goOnWithoutKey();
});
byId('key-form').addEventListener('submit', (event) => {
    event.preventDefault();
    tryKey(byId('key-input').value.trim());
});
keyDialog.addEventListener('close', () => {
    byId('key-input').value = '';
});
addEventListener('key-refused', (event) => {
    say('bad', event.detail);
    goOnWithoutKey();
});

// ---- Events ----

const pending = new Map(); // account -> its last state since the last flush, and its last progress after that
let flushTimer = null;

// Nothing is shown or read soon: all is read when the page is live again.
function rest() {
    clearTimeout(flushTimer);
    flushTimer = null;
    pending.clear();
    lists.forEach((list) => list.rest());
}

function readLists() {
    lists.forEach((list) => list.load());
    refreshDetails();
}

// A burst of changes is shown a few times a second, each account once.
function flush() {
    flushTimer = null;
    for (const {state, progress} of pending.values()) {
        for (const change of [state, progress].filter(Boolean)) {
            changeAccount(change);
            changeDetails(change);
        }
    }
    pending.clear();
}

function onChange(change) {
    if (change.event !== 'state' && change.event !== 'progress') {
        return; // that an abort is asked for: the state follows
    }
    noteChange(change);
    pending.set(change.account, change.event === 'state' ? {state: change}
        : {...pending.get(change.account), progress: change});
    flushTimer ??= setTimeout(flush, FLUSH_MS);
}

function onOverview(next) {
    setServerTime(next.at);
    showOverview(next);
    if (overview && (next.queue.dead !== overview.queue.dead || next.totals.failed !== overview.totals.failed)) {
        dead.loadSoon();
    }
    if (overview && next.workers !== overview.workers) {
        workers.loadSoon();
    }
    if (overview && next.accounts !== overview.accounts) {
        accounts.loadSoon();
    }
    overview = next;
}

function onRedis({up, reason}) {
    if (up) {
        showConnection('live', 'Live');
        readLists();
    } else {
        showConnection('away', `Redis is away: ${reason}`);
    }
}

// Changes may be missing; there may be one such event after the other.
function readListsSoon() {
    lists.forEach((list) => list.loadSoon());
    refreshDetails();
}

const HEARD = {overview: onOverview, change: onChange, redis: onRedis, resync: readListsSoon};

function onBreak(error) {
    if (error.status === 401) {
        showConnection('refused', 'An operator key is needed');
        openKeyDialog();
        return false;
    }
    showConnection('reconnecting', `Reconnecting: ${error.message || 'the connection broke'}`);
    return true;
}

const restart = follow({
    before: async () => showSession(await read('ops/session')),
    onOpen() {
        showConnection('live', 'Live');
        readLists();
    },
    onEvent: (name, data) => HEARD[name]?.(data),
    onBreak,
    onHidden: () => showConnection('paused', 'Paused while nobody looks'),
});

setInterval(tellTimes, 1000);
setInterval(() => isLive && !document.hidden && workers.loadSoon(), WORKERS_MS);
openFromAddress();
