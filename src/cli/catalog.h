/* Headings and messages in English and Japanese.  Words of the API (states, actions, ids) stay as
 * they are: they are what programs and colleagues say. */
#ifndef CORDON_CLI_CATALOG_H
#define CORDON_CLI_CATALOG_H

enum language { LANGUAGE_EN, LANGUAGE_JA, LANGUAGE_COUNT };

/* From LC_ALL, LC_MESSAGES, LANG, in this order: "ja..." is Japanese. */
enum language catalog_language(void);
/* The English text is the key; a text that is not in the catalogue stays English. */
const char *catalog_text(enum language language, const char *english);

#endif
