// The event stream, read with fetch() since EventSource cannot send the key; connected again after a
// break, with full jitter so that many pages do not come back at the same moment. A page that nobody sees has
// none: browsers allow six connections to a server, for all tabs together, and a seventh tab could do nothing.

import {open, Refusal} from './server.js';

const SILENCE_MS = 20000; // the server says something every second, and a comment every ten
const BACKOFF_BASE_MS = 500;
const BACKOFF_MAX_MS = 15000;
const EVENT_MAX = 1 << 20;

// Gives on_event(name, data) for each event of the text pieces put in.
function eventParser(onEvent) {
    let rest = '';
    return (piece) => {
        rest += piece.replaceAll('\r', '');
        if (rest.length > EVENT_MAX) {
            throw new Refusal(0, 'An event is too long.');
        }
        const blocks = rest.split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) {
            const event = {name: 'message', data: []};
            for (const line of block.split('\n')) {
                const [, field, value] = /^(\w*): ?(.*)$/.exec(line) || [];
                if (field === 'event') {
                    event.name = value;
                } else if (field === 'data') {
                    event.data.push(value);
                }
            }
            if (event.data.length > 0) {
                onEvent(event.name, JSON.parse(event.data.join('\n')));
            }
        }
    };
}

async function readOnce(controller, onOpen, onEvent) {
    let timer;
    const stillThere = () => {
        clearTimeout(timer);
        timer = setTimeout(() => controller.abort(new Refusal(0, 'The server has fallen silent.')), SILENCE_MS);
    };
    try {
        stillThere();
        const response = await open('ops/events', {signal: controller.signal});
        onOpen();
        const take = eventParser(onEvent);
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
            const {done, value} = await reader.read();
            if (done) {
                throw new Refusal(0, 'The server has closed the stream.');
            }
            stillThere();
            take(value);
        }
    } finally {
        clearTimeout(timer);
        controller.abort();
    }
}

// Follows the stream for ever. before(): awaited before each connect, its failure counts as the
// stream's; on_open(); on_event(name, data); on_break(error): says whether to go on without another key;
// on_hidden(): there is no stream until the page is seen again. Returns restart(), which connects anew at
// once (another key).
export function follow({before, onOpen, onEvent, onBreak, onHidden}) {
    let controller;
    let wake = null;
    let needsKey = false; // then only restart() connects
    let failures = 0;
    let isAnew = false;
    const pause = (ms) => new Promise((resolve) => {
        const timer = ms === null ? null : setTimeout(resolve, ms);
        wake = () => {
            clearTimeout(timer);
            resolve();
        };
    }).finally(() => {
        wake = null;
    });
    const turn = async () => {
        if (document.hidden) {
            onHidden();
            await pause(null);
            return;
        }
        controller = new AbortController();
        try {
            await before();
            await readOnce(controller, onOpen, (name, data) => {
                failures = 0;
                onEvent(name, data);
            });
        } catch (error) {
            if (isAnew) {
                isAnew = false;
                return;
            }
            needsKey = !onBreak(error);
            const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** failures++);
            await pause(needsKey ? null : longest / 4 + Math.random() * longest * 3 / 4);
            needsKey = false;
        }
    };
    (async () => {
        for (;;) {
            await turn();
        }
    })();
    const restart = () => {
        failures = 0;
        if (wake) {
            wake(); // it was between two connects
            return;
        }
        isAnew = true;
        controller.abort(new Refusal(0, 'Connecting anew.'));
    };
    document.addEventListener('visibilitychange', () => needsKey || restart());
    return restart;
}
