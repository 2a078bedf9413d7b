'use strict';
(function () {
const byId = id => document.getElementById(id);
const BATCH = 50;
// Members of the rows that data.go writes.
const NAME = 0, ACCOUNT = 1, STATE = 2, RANK = 3, ARN = 4, CAN = 5, DEVICE = 6, CONSOLE = 7, SIGNIN = 8, KEYS = 9, EXAMPLE = 10,
  DENIED = 11, ASSUMED = 12, DEVICES = 13, PROOF = 14, WHY = 15, CREATED = 16, ACTIVE = 17, BOUNDARY = 18, TAGS = 19;
const STATES = ['open', 'unknown', 'exempt', 'enforced'];
const STATE_WORDS = ['can act without MFA', 'could not be decided', 'exempt', 'enforced'];
const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'];
const YESNO = ['no', 'yes', 'not read'];
let data, templates, now, search = [], order = [], shown = 0, sorted = { by: 'rank', up: true }, findingsOf;

// element makes an element with text; strings are only ever set as text.
function element(tag, text, className) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}
function isolated(text) { return element('bdi', text); }
function fill(n, name, account, arn) {
  const parts = templates[n];
  if (!parts) return data.texts[n];
  let s = '';
  for (const p of parts) s += p === '\ue000' ? arn : p === '\ue001' ? name : p === '\ue002' ? account : p;
  return s;
}
function accountID(u) { return data.accounts[u[ACCOUNT]][0]; }
function accountName(n) { return data.accounts[n][1] || data.accounts[n][0]; }
function arnOf(u) { return fill(u[ARN], u[NAME], accountID(u), ''); }
function text(u, n) { return fill(n, u[NAME], accountID(u), arnOf(u)); }
function date(days) { return new Date(days * 864e5).toISOString().slice(0, 10); }
function linkOf(u) { return '#user/' + encodeURIComponent(accountID(u)) + '/' + encodeURIComponent(u[NAME]); }
function oldest(u) {
  let first = 0;
  for (const k of u[KEYS]) if (k[0] && k[1] && (!first || k[1] < first)) first = k[1];
  return first ? now - first : -1;
}
function number(n) { return n.toLocaleString('en-US'); }

// Search looks at what a row shows, and at the ARN, the example and its policy.
// It is made while nothing else is to do, and completed when a search comes first.
function index(enough) {
  for (let i = search.length; i < data.users.length && !(i % 500 === 0 && enough()); i++) {
    const u = data.users[i], a = data.accounts[u[ACCOUNT]], arn = arnOf(u), of = n => fill(n, u[NAME], a[0], arn);
    let s = arn + ' ' + a[1] + ' ' + data.texts[a[2]] + ' ' + of(u[CAN]);
    for (const n of u[EXAMPLE].slice(0, 3)) s += ' ' + of(n);
    for (const k of u[KEYS]) if (k[5]) s += ' ' + k[5];
    for (const n of u[TAGS]) s += ' ' + of(n);
    search.push(s.toLowerCase());
  }
  return search.length === data.users.length;
}
const compare = {
  state: (x, y) => x[STATE] - y[STATE],
  name: (x, y) => x[NAME] < y[NAME] ? -1 : x[NAME] > y[NAME] ? 1 : 0,
  account: (x, y) => { const a = accountName(x[ACCOUNT]), b = accountName(y[ACCOUNT]); return a < b ? -1 : a > b ? 1 : 0; },
  device: (x, y) => { const a = data.texts[x[DEVICE]], b = data.texts[y[DEVICE]]; return a < b ? -1 : a > b ? 1 : 0; },
  console: (x, y) => y[CONSOLE] % 2 - x[CONSOLE] % 2,
  keys: (x, y) => y[ACTIVE] - x[ACTIVE],
  age: (x, y) => oldest(y) - oldest(x),
  rank: (x, y) => x[RANK] - y[RANK]
};
let matching = [];
function apply() {
  const words = byId('q').value.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) index(() => false);
  const state = STATES.indexOf(byId('f-state').value), account = byId('f-account').value;
  const device = byId('f-device').value, keys = byId('f-keys').value;
  const users = data.users;
  matching = [];
  for (const i of order) {
    const u = users[i];
    if (state >= 0 && u[STATE] !== state || account && accountID(u) !== account) continue;
    if (device && (device === 'none') !== (data.texts[u[DEVICE]] === 'none')) continue;
    if (keys === 'key' && !u[ACTIVE] || keys === 'password' && u[CONSOLE] !== 1 || keys === 'old' && oldest(u) < 365) continue;
    if (words.every(w => search[i].includes(w))) matching.push(i);
  }
  byId('rows').textContent = '';
  shown = 0;
  const all = users.length;
  byId('count').textContent = matching.length === all ? number(all) + (all === 1 ? ' user' : ' users') : number(matching.length) + ' of ' + number(all) + (all === 1 ? ' user' : ' users');
  paint();
}
function sort() {
  const c = compare[sorted.by], users = data.users, sign = sorted.up ? 1 : -1;
  order.sort((x, y) => sign * c(users[x], users[y]) || x - y);
  for (const th of document.querySelectorAll('#list th[data-sort]'))
    th.setAttribute('aria-sort', th.dataset.sort !== sorted.by ? 'none' : sorted.up ? 'ascending' : 'descending');
}
function stateCell(u) { return element('span', STATES[u[STATE]], 'state ' + STATES[u[STATE]]); }
function userLink(u) {
  const a = element('a');
  a.href = linkOf(u);
  a.append(isolated(u[NAME]));
  a.className = 'clamp';
  return a;
}
function row(u) {
  const tr = element('tr'), cell = (content, className) => {
    const td = element('td', undefined, className);
    td.append(content);
    tr.append(td);
    return td;
  };
  cell(stateCell(u));
  const th = element('th');
  th.scope = 'row';
  th.append(userLink(u), element('span', accountName(u[ACCOUNT]), 'below'));
  tr.append(th);
  cell(isolated(accountName(u[ACCOUNT])), 'wide');
  cell(data.texts[u[DEVICE]], 'wide');
  cell(YESNO[u[CONSOLE]], 'wide');
  cell(String(u[ACTIVE]), 'n wide');
  const age = oldest(u);
  cell(age < 0 ? '' : number(age) + (age === 1 ? ' day' : ' days'), 'n wide');
  cell(element('span', text(u, u[CAN]), 'clamp'), 'what');
  return tr;
}
function paint() {
  const part = document.createDocumentFragment();
  for (const end = Math.min(matching.length, shown + BATCH); shown < end; shown++) part.append(row(data.users[matching[shown]]));
  byId('rows').append(part);
  const more = byId('more'), left = matching.length - shown;
  more.hidden = left === 0;
  more.textContent = 'Show ' + number(Math.min(BATCH, left)) + ' more of ' + number(left);
}

// Details of one user.
function section(to, title) { to.append(element('h3', title)); }
function facts(to, pairs) {
  const dl = element('dl');
  for (const [name, value] of pairs) if (value) {
    const dd = element('dd');
    dd.append(isolated(value));
    dl.append(element('dt', name), dd);
  }
  to.append(dl);
}
function keyText(u, k) {
  return [k[0] ? 'active' : 'inactive', k[1] ? number(now - k[1]) + ' days old (created ' + date(k[1]) + ')' : 'creation date not read',
    k[2] ? 'last used ' + date(k[2]) + (k[3] ? ' for ' + text(u, k[3]) : '') + (k[4] ? ' in ' + text(u, k[4]) : '') : 'no use recorded'].join(', ');
}
function userFindings(i) {
  if (!findingsOf) {
    findingsOf = new Map();
    for (const rule in data.findings) for (const f of data.findings[rule]) if (typeof f[2] === 'number') {
      if (!findingsOf.has(f[2])) findingsOf.set(f[2], []);
      findingsOf.get(f[2]).push([rule, f]);
    }
  }
  return (findingsOf.get(i) || []).sort((x, y) => x[1][0] - y[1][0]);
}
function ruleLink(rule) {
  const a = element('a', rule);
  a.href = '#rule/' + encodeURIComponent(rule);
  return a;
}
function show(i) {
  const u = data.users[i], body = byId('user-body'), e = u[EXAMPLE];
  byId('user-name').replaceChildren(isolated(u[NAME]));
  body.textContent = '';
  const p = element('p');
  p.append(stateCell(u), element('span', ': ' + (u[STATE] === 0 && u[RANK] === 5 ? 'not enforced, but not exploitable today' : STATE_WORDS[u[STATE]])));
  body.append(p);
  const a = data.accounts[u[ACCOUNT]];
  facts(body, [['Account', a[1] ? a[1] + ' (' + a[0] + ')' : a[0]], ['Unit', data.texts[a[2]]], ['ARN', arnOf(u)], ['Created', u[CREATED] ? date(u[CREATED]) : ''],
    ['Permissions boundary', text(u, u[BOUNDARY])], ['Tags', u[TAGS].map(t => text(u, t)).join(', ')],
    ['Without MFA', text(u, u[CAN])], ['Reason', text(u, u[WHY])]]);
  if (e.length) {
    section(body, 'Example request without MFA');
    facts(body, [['Credential', data.texts[e[3]]], ['Action', text(u, e[0])], ['Resource', text(u, e[1])], ['Allowed by', e[2] ? text(u, e[2]) : 'nothing that was read'],
      ['Condition keys', e[4] ? text(u, e[4]) : '']]);
  }
  if (u[PROOF] || u[DENIED].length) {
    section(body, 'Proof');
    facts(body, [['Covers', data.texts[u[PROOF]] === 'every action' ? 'every action, also future ones' : 'the known actions']].concat(u[DENIED].map(n => ['Denied by', text(u, n)]))
      .concat(u[ASSUMED].map(n => ['Assumption', text(u, n)])));
  }
  section(body, 'Credentials');
  facts(body, [['Console password', YESNO[u[CONSOLE]] + (u[SIGNIN] ? ', last used ' + date(u[SIGNIN]) : '')]]
    .concat(u[KEYS].length ? u[KEYS].map(k => ['Access key', (k[5] ? k[5] + ': ' : '') + keyText(u, k)]) : [['Access keys', u[ACTIVE] ? String(u[ACTIVE]) : 'none']])
    .concat(u[DEVICES].length ? u[DEVICES].map(d => ['MFA device', data.texts[d[0]] + ': ' + text(u, d[1]) + (d[2] ? ', enabled ' + date(d[2]) : '')]) : [['MFA device', data.texts[u[DEVICE]]]]));
  const found = userFindings(i);
  if (found.length) {
    section(body, 'Findings');
    const ul = element('ul', undefined, 'plain');
    for (const [rule, f] of found) {
      const li = element('li');
      li.append(element('span', SEVERITIES[f[0]] + ' '), ruleLink(rule), element('span', ': ' + findingText(f)));
      ul.append(li);
    }
    body.append(ul);
  }
  const dialog = byId('user');
  if (!dialog.open) dialog.showModal();
  byId('user-name').focus();
  dialog.scrollTop = 0;
}

// Findings of a rule, painted when the rule is opened.
function subject(f) {
  if (typeof f[2] === 'number') return userLink(data.users[f[2]]);
  const span = element('span', undefined, 'clamp');
  span.append(isolated(f[2]));
  return span;
}
function textAbout(f, n) {
  if (typeof f[2] === 'number') return text(data.users[f[2]], n);
  const account = data.accounts[f[1]][0], name = f[2].slice(Math.max(f[2].lastIndexOf('/'), f[2].lastIndexOf(':')) + 1);
  return fill(n, name, account, fill(f[5], name, account, ''));
}
// What was found, and the remedy where it is not that of the rule.
function findingText(f) { return textAbout(f, f[3]) + (f[4] ? '. Remedy: ' + textAbout(f, f[4]) : ''); }
function openRule(details) {
  const list = data.findings[details.dataset.rule] || [], body = details.querySelector('tbody'), more = details.querySelector('button');
  if (!body.rows.length) pages(list, body, more, f =>
    [element('span', SEVERITIES[f[0]], 'sev ' + SEVERITIES[f[0]]), subject(f), isolated(accountName(f[1])), isolated(findingText(f))]);
}
// pages paints the first rows of a list, and more of them for each click. numbers are the
// columns with numbers.
function pages(list, body, more, cells, numbers = []) {
  let at = 0;
  const next = () => {
    for (const end = Math.min(list.length, at + BATCH); at < end; at++) {
      const tr = element('tr');
      cells(list[at]).forEach((c, i) => {
        const td = element('td', undefined, numbers.includes(i) ? 'n' : undefined);
        td.append(c);
        tr.append(td);
      });
      body.append(tr);
    }
    more.hidden = at >= list.length;
    more.textContent = 'Show ' + number(Math.min(BATCH, list.length - at)) + ' more of ' + number(list.length - at);
  };
  more.addEventListener('click', next);
  next();
}

// Keys and kinds of calls name their user and account, also those that the run does not
// have as users.
function linkTo(name, account) {
  if (account < 0) return isolated(name);
  const a = element('a', undefined, 'clamp');
  a.href = '#user/' + encodeURIComponent(data.accounts[account][0]) + '/' + encodeURIComponent(name);
  a.append(isolated(name));
  return a;
}
function nameOf(account) { return account < 0 ? '' : accountName(account); }
function twoLines(first, second, tag = 'span') {
  const box = document.createDocumentFragment(), top = element(tag);
  top.append(first);
  box.append(top);
  if (second) {
    const below = element('small');
    below.append(isolated(second));
    box.append(below);
  }
  return box;
}
const LISTS = {
  keys: k => {
    const about = n => fill(n, k[0], k[1] < 0 ? '' : data.accounts[k[1]][0], '');
    return [twoLines(linkTo(k[0], k[1]), nameOf(k[1])), twoLines(isolated(k[2]), data.texts[k[3]] + (k[4] ? '' : ', inactive'), 'code'),
      twoLines(isolated(k[5] < 0 ? 'age not read' : number(k[5]) + (k[5] === 1 ? ' day old' : ' days old')), k[6] ? 'last used ' + date(k[6]) : data.texts[k[7]] ? 'never used' : 'last use not recorded'),
      isolated(about(k[8])), twoLines(isolated(about(k[9])), k[10] ? number(k[10]) + (k[10] === 1 ? ' recorded call' : ' recorded calls') : ''),
      twoLines(isolated(about(k[11])), about(k[12]))];
  },
  fates: f => [twoLines(isolated(data.texts[f[4]]), data.texts[f[8]]), linkTo(f[0], f[1]), isolated(nameOf(f[1])), isolated(data.texts[f[2]]), isolated(data.texts[f[3]]), number(f[5]), number(f[6]), number(f[7])]
};

// The fragment of the address: user/ACCOUNT/NAME, rule/NAME, users?state=…&account=…&q=….
function route() {
  const hash = location.hash.slice(1), dialog = byId('user');
  const [kind, first, second] = hash.split('?')[0].split('/').map(s => { try { return decodeURIComponent(s); } catch (_) { return s; } });
  if (kind === 'user') {
    const i = data.users.findIndex(u => u[NAME] === second && accountID(u) === first);
    if (i >= 0) return show(i);
  }
  if (dialog.open) dialog.close();
  if (kind === 'rule') {
    const details = [...document.querySelectorAll('details.rule')].find(d => d.dataset.rule === first);
    if (details) {
      details.open = true;
      details.querySelector('summary').focus();
      details.scrollIntoView();
    }
  } else if (kind === 'users' && hash.includes('?')) {
    const q = new URLSearchParams(hash.slice(hash.indexOf('?') + 1));
    byId('filter').reset();
    for (const [id, name] of [['q', 'q'], ['f-state', 'state'], ['f-account', 'account'], ['f-device', 'device'], ['f-keys', 'keys']]) byId(id).value = q.get(name) || '';
    apply();
    byId('users').scrollIntoView();
    byId('users').focus({ preventScroll: true });
  }
}
function start() {
  data = JSON.parse(byId('data').textContent);
  byId('data').textContent = '';
  templates = data.texts.map(t => /[\ue000-\ue002]/.test(t) ? t.split(/([\ue000-\ue002])/) : null);
  now = Math.floor(Number(byId('list').dataset.time) / 86400);
  order = data.users.map((_, i) => i);
  const options = document.createDocumentFragment();
  data.accounts.map((a, i) => [accountName(i), a[0]]).sort((x, y) => x[0] < y[0] ? -1 : 1).forEach(([name, id]) => {
    const o = element('option', name === id ? id : name + ' (' + id + ')');
    o.value = id;
    options.append(o);
  });
  byId('f-account').append(options);
  sort();
  apply();
  byId('q').addEventListener('input', apply);
  byId('filter').addEventListener('change', apply);
  byId('filter').addEventListener('reset', () => setTimeout(apply));
  byId('filter').addEventListener('submit', e => e.preventDefault());
  byId('more').addEventListener('click', () => {
    const at = shown;
    paint();
    const first = byId('rows').rows[at];
    if (first) first.querySelector('a').focus();
  });
  if ('IntersectionObserver' in window) new IntersectionObserver(seen => {
    if (seen.some(s => s.isIntersecting) && !byId('more').hidden) paint();
  }, { rootMargin: '400px' }).observe(byId('more'));
  byId('list').tHead.addEventListener('click', e => {
    const th = e.target.closest('th[data-sort]');
    if (!th) return;
    sorted = { by: th.dataset.sort, up: th.dataset.sort !== sorted.by || !sorted.up };
    sort();
    apply();
  });
  for (const t of document.querySelectorAll('table.pages'))
    pages(data[t.dataset.list], t.tBodies[0], t.closest('section').querySelector('button'), LISTS[t.dataset.list], t.dataset.list === 'fates' ? [5, 6, 7] : []);
  for (const d of document.querySelectorAll('details.rule')) d.addEventListener('toggle', () => { if (d.open) openRule(d); });
  byId('user').addEventListener('close', () => {
    if (location.hash.startsWith('#user/')) history.replaceState(null, '', '#users');
  });
  window.addEventListener('hashchange', route);
  route();
  document.documentElement.dataset.ready = 'yes';
  performance.mark('ready');
  const later = window.requestIdleCallback || (f => setTimeout(f, 50));
  later(function more() {
    const end = performance.now() + 15;
    if (!index(() => performance.now() > end)) later(more);
  });
}
// The summary is painted before the data is parsed.
requestAnimationFrame(() => setTimeout(start));
})();
