/* A message in the form of each kind of channel.  Pure; any thread.
 *
 *   mail     RFC 5322, 2047 (headers beyond ASCII), 2045 (base64 body), 3834 (Auto-Submitted)
 *   syslog   RFC 5424, the text with named values or in ArcSight's CEF
 *   webhook  JSON; signed over time and body, so that a copy cannot be used later
 *
 * Nothing from a notice can end a header, a line or a field: what comes in is made plain first,
 * then encoded or escaped by the rules of the form. */
#ifndef CORDON_NOTIFY_FORM_H
#define CORDON_NOTIFY_FORM_H

#include <stddef.h>
#include <stdint.h>

#include "notify/text.h"

/* Lines end in CRLF.  'now_us': the Date header.  The caller frees it. */
char *form_mail(const struct wire_notice *wire, int64_t now_us, size_t *size);
/* 'text' as a header's value: itself where it is ASCII, else encoded words of at most 75 bytes,
 * folded.  'used': columns taken before it.  'out' holds 4 bytes for each of 'text', and 64. */
void form_header(const char *text, size_t used, char *out, size_t room);

#define FORM_SYSLOG_SIZE 8192
/* One RFC 5424 message without framing; its length. */
size_t form_syslog(const struct wire_notice *wire, const struct notice *notice, const char *host,
                   char out[FORM_SYSLOG_SIZE]);

/* The body; the caller frees it. */
char *form_webhook(const struct wire_notice *wire);
#define FORM_SIGNATURE_SIZE 72
/* "v1=" and HMAC-SHA256 of "TIME.BODY" in hex. */
void form_signature(const char *secret, int64_t at_s, const char *body,
                    char signature[FORM_SIGNATURE_SIZE]);

#endif
