/**
 * The page's own words, one file for each language in messages/.
 *
 * A text may hold `{name}` placeholders. A plural is an object of the forms that the language has
 * (`one`, `few`, `many`, `other`, …), chosen by the value `count`.
 */

/** Languages there are texts in, each by its own name. */
export const LANGUAGES = {
  de: 'Deutsch', en: 'English', fr: 'Français', es: 'Español', it: 'Italiano', pt: 'Português',
  nl: 'Nederlands', pl: 'Polski', ro: 'Română', tr: 'Türkçe', uk: 'Українська', ru: 'Русский',
  ar: 'العربية', fa: 'فارسی', vi: 'Tiếng Việt', zh: '中文',
};

const FALLBACK = 'en';
const RIGHT_TO_LEFT = new Set(['ar', 'fa', 'he', 'ur', 'ps', 'ku', 'ckb', 'yi', 'dv', 'sd', 'ug']);

/** @typedef {Record<string, string | Record<string, string>>} Messages */
/** @typedef {Record<string, string | number>} Values */

/** @type {Map<string, Promise<Messages>>} */
const loading = new Map();

/** @param {string} tag @returns {string} the language alone: `pt` for `pt-BR` */
export function bare(tag) {
  return tag.toLowerCase().split(/[-_]/)[0] ?? '';
}

/** @param {string} tag @returns {'ltr' | 'rtl'} */
export function directionOf(tag) {
  return RIGHT_TO_LEFT.has(bare(tag)) ? 'rtl' : 'ltr';
}

/** The first of the browser's languages that there are texts in. */
export function preferredLanguage() {
  return navigator.languages.map(bare).find((tag) => tag in LANGUAGES) ?? FALLBACK;
}

/** @param {string} language @returns {Promise<Messages>} */
async function fetched(language) {
  const answer = await fetch(new URL(`./messages/${language}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`no messages in ${language}`);
  return answer.json();
}

/** @param {string} language @returns {Promise<Messages>} */
function messages(language) {
  const known = loading.get(language);
  if (known) return known;
  const started = fetched(language);
  loading.set(language, started);
  started.catch(() => loading.delete(language));
  return started;
}

/**
 * A text in the language somebody reads, or else in one that many read.
 * @param {Record<string, string>} texts  by language
 * @param {string} language
 * @returns {{language: string, text: string}}
 */
export function chosen(texts, language) {
  const found = [language, FALLBACK, ...Object.keys(texts)].find((tag) => tag in texts) ?? '';
  return { language: found, text: texts[found] ?? '' };
}

/** Words in one language. */
export class Catalog {
  /** @param {string} language @param {Messages} texts */
  constructor(language, texts) {
    /** Of the words, which is English where there are none in the language asked for. */
    this.language = language;
    this.direction = directionOf(language);
    this.texts = texts;
    this.plurals = new Intl.PluralRules(language);
    this.names = new Intl.DisplayNames([language], { type: 'language' });
  }

  /**
   * @param {string} key  one that is not there reads as itself
   * @param {Values} [values]
   * @returns {string}
   */
  say(key, values = {}) {
    const found = this.texts[key];
    if (found === undefined) return key;
    const text = typeof found === 'string' ? found : this.form(found, values);
    return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
  }

  /** @param {Record<string, string>} forms @param {Values} values */
  form(forms, values) {
    return forms[this.plurals.select(Number(values['count']))] ?? forms['other'] ?? '';
  }

  /** @param {string} key */
  has(key) {
    return key in this.texts;
  }

  /** A language's name in this one. @param {string} tag */
  nameOf(tag) {
    return this.names.of(tag) ?? tag;
  }

  /** The sentence in this language out of those the service sent. @param {Record<string, string>} texts */
  pick(texts) {
    return chosen(texts, this.language).text;
  }
}

/**
 * @param {string} tag
 * @returns {Promise<Catalog>} English where the language has no texts or they cannot be fetched
 */
export async function catalog(tag) {
  const language = bare(tag);
  if (language in LANGUAGES) {
    try {
      return new Catalog(language, await messages(language));
    } catch {
      // English does below.
    }
  }
  return new Catalog(FALLBACK, await messages(FALLBACK));
}
