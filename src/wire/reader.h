/* Times and lengths of time as people read them, each in their language: for messages and for
 * cordonctl.  Times are of this machine's zone, which is named where it is not the reader's usual
 * one. */
#ifndef CORDON_WIRE_READER_H
#define CORDON_WIRE_READER_H

#include <stdint.h>

enum reader_language { READER_ENGLISH, READER_JAPANESE };

#define READER_SIZE 64
/* "2026-03-09 11:58:24 +0900"; "2026年3月9日 11:58:24". */
void reader_time(int64_t at_us, enum reader_language language, char text[READER_SIZE]);
/* "2 h 1 min"; "2 時間 1 分": the largest unit and the one below it, rounded down. */
void reader_span(uint64_t seconds, enum reader_language language, char text[READER_SIZE]);

#endif
