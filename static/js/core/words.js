// What scripts say, in the page's language. The page brings the catalogue (facesite/templatetags/words.py); a message
// that it lacks stays English. The names are those that `manage.py makemessages` looks for.

const catalogue = read();
const ORDER = ['zero', 'one', 'two', 'few', 'many', 'other']; // as catalogues have them

function read() {
  const there = globalThis.document?.getElementById?.('words');
  return there ? JSON.parse(there.textContent).catalog : {};
}

export function language() {
  return globalThis.document?.documentElement?.lang || 'en';
}

export function gettext(message) {
  const said = catalogue[message];
  return typeof said === 'string' && said ? said : message;
}

export function ngettext(one, many, count, { words = catalogue, lang = language() } = {}) {
  const forms = words[one];
  if (!Array.isArray(forms)) return count === 1 ? one : many;
  const rules = new Intl.PluralRules(lang);
  const used = ORDER.filter((category) => rules.resolvedOptions().pluralCategories.includes(category));
  return forms[Math.min(used.indexOf(rules.select(count)), forms.length - 1)];
}

// interpolate('%(name)s is in', { name: 'Zoë' })
export function interpolate(message, values) {
  return message.replace(/%\((\w+)\)s/g, (found, name) => (name in values ? String(values[name]) : found));
}
