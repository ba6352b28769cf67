// Tables whose rows stay the same elements while their figures change (so the focus and the eye stay
// too), read a page at a time.

import {byId, make, number, setText} from './dom.js';

const LEAST_MS = 1000; // between two reads that nobody asked for by hand

// Keeps tbody in step with items. make_row(item) gives {node, update(item, started_at)}.
export function rowKeeper(body, keyOf, makeRow) {
    let rows = new Map();
    return {
        get: (key) => rows.get(key),
        all: () => rows.values(),
        show(items, startedAt) {
            const next = new Map();
            for (const item of items) {
                const key = keyOf(item);
                const row = rows.get(key) || makeRow(item);
                row.update(item, startedAt);
                next.set(key, row);
            }
            const nodes = [...next.values()].map((row) => row.node);
            if (nodes.length !== body.children.length || nodes.some((node, i) => node !== body.children[i])) {
                const focused = body.contains(document.activeElement) ? document.activeElement : null;
                body.replaceChildren(...nodes);
                if (focused !== null) {
                    (focused.isConnected ? focused : body.closest('section').querySelector('h2')).focus();
                }
            }
            rows = next;
        },
    };
}

// The buttons below a table. on_move(-1 or 1). They stay focusable at either end, where they do nothing.
function makePager(nav, onMove) {
    const text = make('span', {class: 'range'});
    const button = (label, step) => {
        const node = make('button', {type: 'button', 'aria-disabled': 'true'}, label);
        node.addEventListener('click', () => node.getAttribute('aria-disabled') === 'false' && onMove(step));
        return node;
    };
    const previous = button('Previous', -1);
    const next = button('Next', 1);
    nav.append(text, previous, next);
    return (words, hasPrevious, hasNext) => {
        setText(text, words);
        previous.setAttribute('aria-disabled', String(!hasPrevious));
        next.setAttribute('aria-disabled', String(!hasNext));
        nav.hidden = !hasPrevious && !hasNext;
    };
}

// A list that the server gives page by page.
//   name      of the section; its elements are <name>-pager, <name>-notice, <name>-count
//   read(cursor, controller)   the document; cursor is null for the first page
//   show(document, started_at) gives how many rows there are
//   words(first, count, total) what stands beside the pager; optional
export function pagedList({name, read, show, words = rangeWords}) {
    const cursors = [null];
    let controller = null; // of the read that is under way
    let isWanted = false; // one more, when that has ended
    let timer = null;
    let readAt = -LEAST_MS;

    async function load() {
        clearTimeout(timer);
        timer = null;
        isWanted = false;
        controller?.abort(null);
        const mine = controller = new AbortController();
        const startedAt = readAt = performance.now();
        try {
            const document = await read(cursors.at(-1), mine);
            if (mine !== controller) {
                return;
            }
            const count = show(document, startedAt);
            if (count === 0 && cursors.length > 1) {
                move(-1); // the page has gone in the meantime
                return;
            }
            list.next = document.next ?? null;
            setText(byId(`${name}-count`), number(document.total));
            pager(words((cursors.length - 1) * 50, count, document.total), cursors.length > 1, list.next !== null);
            byId(`${name}-notice`).hidden = true;
        } catch (error) {
            if (mine === controller && error?.message) {
                setText(byId(`${name}-notice`), `Not up to date: ${error.message}`);
                byId(`${name}-notice`).hidden = false;
            }
        } finally {
            if (mine === controller) {
                controller = null;
                if (isWanted) {
                    list.loadSoon();
                }
            }
        }
    }

    // Until a page has been read it is not known what comes behind it: Next does nothing meanwhile, and asks
    // once more when it could not be read.
    function move(step) {
        if (step > 0 && list.next === null && controller !== null) {
            return;
        }
        if (step > 0 && list.next !== null) {
            cursors.push(list.next);
        } else if (step < 0 && cursors.length > 1) {
            cursors.pop();
        }
        list.next = null;
        load();
    }

    const pager = makePager(byId(`${name}-pager`), move);
    const list = {
        next: null,
        load,
        first() {
            cursors.length = 1;
            list.next = null;
            return load();
        },
        // Soon, and not more often than once a second, however often it is asked for. A read that is under
        // way is left to end: when changes are steady and the server is slow, none ever would.
        loadSoon() {
            if (controller !== null) {
                isWanted = true;
                return;
            }
            timer ??= setTimeout(load, Math.max(100, readAt + LEAST_MS - performance.now()));
        },
        // What was to be read soon is not wanted any more.
        rest() {
            clearTimeout(timer);
            timer = null;
            isWanted = false;
        },
    };
    return list;
}

function rangeWords(first, count, total) {
    return `${number(first + 1)}–${number(first + count)} of ${number(total)}`;
}
