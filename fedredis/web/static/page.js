// What a page does beside being read: it goes on with its run, reads charts, and predicts.
'use strict';

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

// -- Live: when its run tells of something, the parts that have changed are put in place.

const parts = (html) => new DOMParser().parseFromString(html, 'text/html');
let fetching = false;
let stale = false;

async function refresh() {
  stale = true;
  if (fetching) return;
  fetching = true;
  while (stale) {
    stale = false;
    try {
      const answer = await fetch(location.href);
      if (answer.ok) replace(parts(await answer.text()));
    } catch { /* Away for a moment: the stream says when it is back. */ }
    // One look at a time, and room for the eye between two.
    await new Promise((done) => setTimeout(done, 250));
  }
  fetching = false;
}

function replace(fresh) {
  const main = $('main');
  if ('whole' in main.dataset && $('main', fresh).innerHTML !== main.innerHTML) {
    location.reload();
    return;
  }
  for (const part of $$('[data-part]')) {
    const next = $(`[data-part="${part.dataset.part}"]`, fresh);
    if (!next || next.innerHTML === part.innerHTML || part.matches(':focus-within')) continue;
    const open = new Set($$('details[open]', part).map((one) => one.id));
    const chosen = new Set($$('input:checked', part).map((one) => one.value));
    part.innerHTML = next.innerHTML;
    for (const one of $$('details', part)) one.open = open.has(one.id);
    for (const one of $$('input[type=checkbox]', part)) one.checked = chosen.has(one.value);
    setUp(part);
  }
  document.dispatchEvent(new Event('refreshed'));
}

const ENDS = ['finished', 'stopped', 'failed', 'ended'];

function follow(url) {
  const stream = new EventSource(url);
  let opened = false;
  stream.onopen = () => {
    // What happened while nobody listened.
    if (opened) refresh();
    opened = true;
  };
  stream.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (ENDS.includes(event.type) && !event.round) stream.close();
    refresh();
  };
  stream.onerror = () => {
    // Refused for good (204 once the run is over, or too many streams): look once more.
    if (stream.readyState === EventSource.CLOSED) refresh();
  };
}

// -- Charts: values at the pointer, or by the arrow keys.

function readable(svg) {
  const figure = svg.closest('figure');
  const lines = $$('polyline:not(.faint)', svg).map((line) => ({
    name: line.dataset.name,
    values: line.dataset.values.trim().split(' ').map((pair) => pair.split(',').map(Number)),
  }));
  const { left, right, factor, digits, suffix } = svg.dataset;
  const xs = $$('polyline', svg).flatMap((line) => line.dataset.values.trim().split(' ').map(parseFloat));
  const low = Math.min(...xs);
  const high = Math.max(...xs);
  const out = $('.read', figure);
  const pointer = $('.pointer', svg);
  const steps = [...new Set(lines.flatMap((line) => line.values.map(([x]) => x)))].sort((a, b) => a - b);
  let at = steps.length - 1;

  function show(x) {
    const nearest = (values) => values.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
    const read = (y) => (y * factor).toLocaleString('en', { maximumFractionDigits: +digits, minimumFractionDigits: +digits });
    const told = lines.map((line) => [line.name, nearest(line.values)]);
    const here = told.length ? told[0][1][0] : x;
    out.textContent = `${+here.toFixed(1)}: ${told.map(([name, [, y]]) => `${lines.length > 1 ? `${name} ` : ''}${read(y)}${suffix}`).join(', ')}`;
    const place = high > low ? +left + ((here - low) / (high - low)) * (right - left) : +left;
    pointer.setAttribute('x1', place);
    pointer.setAttribute('x2', place);
    pointer.classList.add('on');
  }
  function hide() {
    out.textContent = '';
    pointer.classList.remove('on');
  }
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    show(low + ((x - left) / (right - left)) * (high - low));
  });
  svg.addEventListener('pointerleave', hide);
  svg.addEventListener('blur', hide);
  svg.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    at = Math.max(0, Math.min(steps.length - 1, at + step));
    show(steps[at]);
  });
}

// -- Predictions: names are suggested, sliders answer at once.

function suggesting(form) {
  const input = $('[role=combobox]', form);
  const list = $('[role=listbox]', form);
  const artist = $('[name=artist]', form);
  let asked = 0;

  function close() {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  }
  function choose(item) {
    input.value = item.dataset.song;
    artist.value = item.dataset.artist;
    close();
    form.requestSubmit();
  }
  input.addEventListener('input', async () => {
    artist.value = '';
    const mine = ++asked;
    if (!input.value.trim()) return close();
    const answer = await fetch(`${form.dataset.suggest}&q=${encodeURIComponent(input.value)}`);
    if (mine !== asked || !answer.ok) return;
    const found = await answer.json();
    list.replaceChildren(...found.map((one, place) => {
      const item = document.createElement('li');
      item.id = `suggestion-${place}`;
      item.role = 'option';
      item.dataset.song = one.song;
      item.dataset.artist = one.artist;
      item.append(one.song);
      if (one.artist) item.append(Object.assign(document.createElement('small'), { textContent: one.artist }));
      item.addEventListener('pointerdown', (event) => { event.preventDefault(); choose(item); });
      return item;
    }));
    list.hidden = !found.length;
    input.setAttribute('aria-expanded', String(found.length > 0));
  });
  input.addEventListener('keydown', (event) => {
    const items = $$('li', list);
    const now = items.findIndex((item) => item.ariaSelected === 'true');
    if (event.key === 'Escape') return close();
    if (event.key === 'Enter' && !list.hidden && now >= 0) {
      event.preventDefault();
      return choose(items[now]);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !items.length || list.hidden) return;
    event.preventDefault();
    const next = items.at(now < 0 && step < 0 ? -1 : (now + step) % items.length);
    for (const item of items) item.ariaSelected = String(item === next);
    input.setAttribute('aria-activedescendant', next.id);
    next.scrollIntoView({ block: 'nearest' });
  });
  input.addEventListener('blur', close);
}

function sliding(form) {
  let asking = false;
  let again = false;
  async function predict() {
    again = true;
    if (asking) return;
    asking = true;
    while (again) {
      again = false;
      const query = new URLSearchParams(new FormData(form));
      try {
        const answer = await fetch(`${form.dataset.result}?${query}`);
        if (answer.ok) $('#result').innerHTML = await answer.text();
      } catch { /* Away for a moment: the next move asks again. */ }
    }
    asking = false;
  }
  form.addEventListener('input', (event) => {
    const told = event.target.parentElement.querySelector('output');
    if (told) told.textContent = +(+event.target.value).toPrecision(3);
    predict();
  });
  form.addEventListener('submit', (event) => { event.preventDefault(); predict(); });
}

function setUp(within) {
  for (const svg of $$('svg[data-left]', within)) readable(svg);
  for (const form of $$('form[data-confirm]', within)) {
    form.addEventListener('submit', (event) => {
      if (!confirm(form.dataset.confirm)) event.preventDefault();
    });
  }
}

setUp(document);
for (const form of $$('form[data-suggest]')) suggesting(form);
for (const form of $$('form[data-result]')) sliding(form);
for (const select of $$('select[data-submits]')) select.addEventListener('change', () => select.form.submit());
for (const url of ($('main').dataset.streams || '').trim().split(/\s+/).filter(Boolean).slice(0, 3)) follow(url);
