"use strict";

/** Return [word, count] pairs, the most frequent first, equals in alphabetical order. */
function countWords(text, language) {
  const counts = new Map();
  for (const [word] of text.toLocaleLowerCase(language).matchAll(/\p{Letter}+/gu)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b, language));
}

module.exports = { countWords };
