// Run in the page: what stands in the way of somebody who does not see it, or not well. Gives a list of
// faults as text: controls, tables, dialogs and pictures without a name, doubled ids, broken references,
// and text that is visible with a contrast below 4.5 (3 for large text; WCAG 2.2 AA).
const faults = [];
const isShown = (node) => node.checkVisibility({opacityProperty: true, visibilityProperty: true})
    && node.getClientRects().length > 0;

function nameOf(node) {
    const labelled = (node.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean)
        .map((id) => document.getElementById(id)?.textContent.trim()).join(' ');
    const labels = [...(node.labels || [])].map((label) => label.textContent.trim()).join(' ');
    return labelled || node.getAttribute('aria-label') || labels || node.querySelector(':scope > caption')?.textContent
        || (['BUTTON', 'A', 'SUMMARY'].includes(node.tagName) ? node.textContent.trim() : '');
}

for (const node of document.querySelectorAll('button, a, input, progress, table, dialog, section, nav, summary, [role=img]')) {
    if (!node.closest('dialog:not([open])') && !nameOf(node)) {
        faults.push(`no name: ${node.outerHTML.slice(0, 100)}`);
    }
}
for (const node of document.querySelectorAll('img:not([alt]), svg:not([role=img], [aria-hidden=true])')) {
    faults.push(`a picture without a text: ${node.outerHTML.slice(0, 100)}`);
}
for (const node of document.querySelectorAll('[aria-labelledby], [aria-describedby]')) {
    const ids = `${node.getAttribute('aria-labelledby') || ''} ${node.getAttribute('aria-describedby') || ''}`;
    ids.split(' ').filter((id) => id && !document.getElementById(id)).forEach((id) => faults.push(`no such id: ${id}`));
}
const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) => faults.push(`twice the id: ${id}`));
for (const [selector, count] of [['main', 1], ['header', 1], ['h1', 1], ['html[lang]', 1], ['[role=status]', 1],
    ['[role=alert]', 1], ['table caption', 3], ['th[scope=col]', 15]]) {
    if (document.querySelectorAll(selector).length < count) {
        faults.push(`not there: ${selector}`);
    }
}
document.querySelectorAll('[tabindex]').forEach((node) => node.tabIndex > 0 && faults.push('a tab order of its own'));
document.querySelectorAll('[style]').forEach((node) => faults.push(`inline style: ${node.outerHTML.slice(0, 100)}`));

function parse(color) {
    const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number);
    return {r, g, b, a};
}

function over(top, below) {
    const mix = (name) => top[name] * top.a + below[name] * (1 - top.a);
    return {r: mix('r'), g: mix('g'), b: mix('b'), a: 1};
}

function backgroundOf(node) {
    const color = parse(getComputedStyle(node).backgroundColor);
    if (color.a === 1) {
        return color;
    }
    return over(color, node.parentElement ? backgroundOf(node.parentElement) : parse('rgb(255, 255, 255)'));
}

function luminance({r, g, b}) {
    const [red, green, blue] = [r, g, b].map((part) => part / 255)
        .map((part) => (part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4));
    return .2126 * red + .7152 * green + .0722 * blue;
}

let least = 21;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || !isShown(node) || node.closest('.visually-hidden, .skip')) {
        continue;
    }
    const style = getComputedStyle(node);
    const below = backgroundOf(node);
    const [a, b] = [luminance(over(parse(style.color), below)), luminance(below)].sort((x, y) => y - x);
    const contrast = (a + .05) / (b + .05);
    const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    least = Math.min(least, contrast);
    if (contrast < (isLarge ? 3 : 4.5)) {
        faults.push(`contrast ${contrast.toFixed(2)}: ${node.outerHTML.slice(0, 100)}`);
    }
}
return {faults, least};
