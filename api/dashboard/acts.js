// What an operator may do: buttons that are disabled without the right, calls, and what came of them.

import {byId, icon, make, setText} from './dom.js';
import {post} from './server.js';

let canAct = false;

// Says something to the operator, in the open dialog (the rest of the page is inert then) or on the
// page. kind: done or bad.
export function say(kind, text) {
    const place = byId('details').open ? byId('details') : byId('says');
    for (const node of place.querySelectorAll('.say')) {
        const isMeant = node.dataset.say === kind;
        node.replaceChildren(...(isMeant ? [icon(kind === 'bad' ? 'warning' : 'finished'), text] : []));
    }
    clearTimeout(say.timer);
    say.timer = setTimeout(hush, kind === 'bad' ? 20000 : 6000);
}

export function hush() {
    document.querySelectorAll('.say').forEach((node) => node.replaceChildren());
}

function showRight(button) {
    button.disabled = !canAct || button.dataset.useless === 'true' || button.dataset.busy === 'true';
    button.title = canAct ? '' : 'Needs an operator key';
}

export function setRights(mayAct) {
    canAct = mayAct;
    document.querySelectorAll('button[data-act]').forEach(showRight);
}

// A button that acts. name: execute, abort, retry or drop; object: what it is done to, for those who do
// not see the row.
export function actButton(label, name, object, onClick) {
    const button = make('button', {type: 'button', 'data-act': name, 'aria-label': `${label} ${object}`}, label);
    button.addEventListener('click', async () => {
        button.dataset.busy = 'true';
        showRight(button);
        try {
            await onClick();
        } finally {
            delete button.dataset.busy;
            showRight(button);
            if (!button.disabled && document.activeElement === document.body) {
                button.focus(); // being disabled has taken the focus away
            }
        }
    });
    showRight(button);
    return button;
}

// Whether there is something to do it to now.
export function setUseful(button, isUseful) {
    button.dataset.useless = String(!isUseful);
    showRight(button);
}

// Posts to /ops/<name>; says what came of it. Whether it was done.
export async function act(name, document, done) {
    try {
        await post(`ops/${name}`, document);
        say('done', done);
        return true;
    } catch (error) {
        say('bad', `${name} ${document.account || document.job}: ${error.message}`);
        return false;
    }
}

export const execute = (account) => act('execute', {account}, `${account}: a job is enqueued.`);
export const abort = (account) => act('abort', {account}, `${account}: its job is to end.`);

// Asks before what cannot be undone.
export function confirmed(text) {
    const dialog = byId('confirm');
    setText(byId('confirm-text'), text);
    dialog.returnValue = '';
    dialog.showModal();
    return new Promise((resolve) => {
        dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), {once: true});
    });
}

byId('confirm-no').addEventListener('click', () => byId('confirm').close(''));
byId('confirm-yes').addEventListener('click', () => byId('confirm').close('yes'));
