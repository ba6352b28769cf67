// Requests to the operator endpoints, with the operator key where there is one. The key is kept for the
// life of the tab: in sessionStorage, or in memory alone where the browser forbids that. A kept key that any
// request finds refused is forgotten at once, and the event key-refused tells why: shown again and again it
// would count as many wrong keys, for which the server makes the whole address wait.

const STORED = 'omnihook-operator-key';
const LIMIT_MS = 15000;

let key = null;
try {
    key = sessionStorage.getItem(STORED);
} catch {
    // storage is switched off
}

export const hasKey = () => key !== null;

export function keepKey(text) {
    key = text;
    try {
        if (text === null) {
            sessionStorage.removeItem(STORED);
        } else {
            sessionStorage.setItem(STORED, text);
        }
    } catch {
        // storage is switched off
    }
}

// What can be sent in a header.
export const isKeyShaped = (text) => /^[\x21-\x7e]{1,8000}$/.test(text);

// An answer that is no success; status 0: there was none.
export class Refusal extends Error {
    constructor(status, detail) {
        super(detail);
        this.status = status;
    }
}

function headers(sent) {
    return sent === null ? {} : {Authorization: `Token ${sent}`};
}

async function detailOf(response) {
    try {
        const {detail, reason} = await response.json();
        return String(detail || reason || `HTTP status ${response.status}`);
    } catch {
        return `HTTP status ${response.status}`;
    }
}

// The response; its body has not been read. with_key: another key than the kept one.
export async function open(path, {signal, withKey, ...options} = {}) {
    const sent = withKey ?? key;
    let response;
    try {
        response = await fetch(path, {...options, signal, cache: 'no-store', credentials: 'omit',
            redirect: 'error', headers: {...headers(sent), ...options.headers}});
    } catch (error) {
        if (signal?.aborted) {
            throw signal.reason;
        }
        throw new Refusal(0, 'The server cannot be reached.');
    }
    if (!response.ok) {
        let detail = await detailOf(response);
        if (response.status === 401 && withKey === undefined && sent !== null && sent === key) {
            keepKey(null);
            detail = `The operator key is refused: ${detail} It is forgotten.`;
            dispatchEvent(new CustomEvent('key-refused', {detail}));
        }
        throw new Refusal(response.status, detail);
    }
    return response;
}

// Calls what(signal), and aborts it when the limit or the caller's controller says so. The signal is of a
// controller of this call alone: the caller's may serve others after it.
async function limited(what, {limitMs = LIMIT_MS, controller = new AbortController()} = {}) {
    const own = new AbortController();
    const asCaller = () => own.abort(controller.signal.reason);
    const timer = setTimeout(() => own.abort(new Refusal(0, 'The server did not answer in time.')), limitMs);
    controller.signal.addEventListener('abort', asCaller);
    if (controller.signal.aborted) {
        asCaller();
    }
    try {
        return await what(own.signal);
    } finally {
        clearTimeout(timer);
        controller.signal.removeEventListener('abort', asCaller);
    }
}

// The JSON document at path. options: limitMs, controller (to abort it), withKey.
export function read(path, options = {}) {
    return limited(async (signal) => (await open(path, {signal, withKey: options.withKey})).json(), options);
}

export function post(path, document) {
    return limited((signal) => open(path, {signal, method: 'POST', body: JSON.stringify(document),
        headers: {'Content-Type': 'application/json'}}));
}
