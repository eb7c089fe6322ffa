/* A message in words: subject and body, in its language and for whom it is written.  Pure; any
 * thread.  Names come from attackers: everything was made plain (base/utf8.h) and stays text. */
#ifndef CORDON_NOTIFY_TEXT_H
#define CORDON_NOTIFY_TEXT_H

#include "wire/notice.h"

#define SUBJECT_SIZE 512

/* "Contained: pc-7 at e1/p3, case 1A2B3C4D", without line ends. */
void text_subject(const struct wire_notice *wire, char subject[SUBJECT_SIZE]);
/* One line about one notice. */
void text_line(const struct notice *notice, enum notify_language language, char line[SUBJECT_SIZE]);
/* Lines ending in "\n"; the caller frees it. */
char *text_body(const struct wire_notice *wire);
/* The notice in the console; "" where its address is not known. */
void text_link(const char *console_url, const struct notice *notice, char link[URL_SIZE + 64]);

#endif
